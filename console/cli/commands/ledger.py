"""`dialer ledger`: its tables and counts, copies of it, and ended campaigns that are moved out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.ledger import tallies
from campaigns.ledger.tallies import Difference
from campaigns.operations.copies import Copy, copy_ledger, ledger_file, restore_ledger
from campaigns.operations.retention.archiving import ArchiveResult, archive, to_archive
from console.cli.arguments import BadArgument
from console.cli.command_group import CommandGroup
from console.cli.confirmation import Yes, confirm
from console.cli.context import effective_settings, settings_and_ledger, user_name
from console.cli.output import out, print_json, print_prose, short_path
from dialer.errors import DialerError
from dialer.plural import counted
from workers.clock import now_utc
from workers.settings import load
from workers.stack.lock import is_locked

ledger_app = typer.Typer(cls=CommandGroup, help="The ledger's store.", no_args_is_help=True)
DIFFERENCES_SHOWN = 20
JSON = typer.Option(False, "--json", help="Print JSON.")
Campaigns = Annotated[
    list[str] | None, typer.Argument(metavar="[CAMPAIGN]…", help="All that may be, if none is named.")
]
Before = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only those that ended before (UTC).")]
To = Annotated[Path, typer.Option("--to", metavar="FOLDER", file_okay=False, help="Where the files are written.")]
Numbers = Annotated[bool, typer.Option("--numbers", help="Full numbers and receipts as they came.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(ledger_app, name="ledger")


@ledger_app.command("upgrade")
def upgrade_command() -> None:
    """Make the ledger's tables, or bring them to this version's shape. Safe to run again."""
    with settings_and_ledger() as (_, ledger):
        out.print(f"The ledger at {ledger.place} is current.")


@ledger_app.command("copy")
def copy_command(
    file: Path = typer.Argument(help="A file that is not there yet."),
    as_json: bool = JSON,
) -> None:
    """Copy the ledger, also while everything runs. Only you can read the copy. PostgreSQL has tools of its own."""
    copy = copy_ledger(ledger_file(effective_settings().ledger_url), file)
    if as_json:
        print_json({"file": copy.file, "bytes": copy.size, "live": copy.live})
        return
    out.print(f"{short_path(copy.file)}: {copy.size:,} bytes, checked. It holds full numbers: keep it safe.")
    _print_what_to_cancel(copy, "If it is put back")


@ledger_app.command("restore")
def restore_command(
    file: Path = typer.Argument(help="A file that `dialer ledger copy` has made."),
    as_json: bool = JSON,
) -> None:
    """Put a copy in the place of the ledger while nothing runs. The ledger that was there is kept beside it."""
    settings = load()
    if is_locked(settings.data_dir):
        raise DialerError("a stack runs on this data folder", "stop `dialer up` first")
    copy, before = restore_ledger(file, ledger_file(settings.ledger_url), now_utc())
    if as_json:
        print_json({"file": copy.file, "bytes": copy.size, "live": copy.live, "before": before})
        return
    out.print(f"{short_path(copy.file)} is what {short_path(file)} holds.")
    if before is not None:
        out.print(f"The ledger that was there: {short_path(before)}")
    _print_what_to_cancel(copy, "Before you start workers")


@ledger_app.command("verify")
def verify_command(
    repair: bool = typer.Option(False, "--repair", help="Count everything anew; calls wait while it does."),
    as_json: bool = JSON,
) -> None:
    """Compare the counts that the ledger keeps with its rows. Exit code 1: they differ."""
    with settings_and_ledger() as (_, ledger):
        with ledger.snapshot() as db:
            differences = tallies.differences(db)
        if differences and repair:
            ledger.write(tallies.repair)
    if as_json:
        print_json({"differences": differences, "repaired": bool(differences) and repair})
    else:
        _print_differences(differences, repaired=repair)
    if differences and not repair:
        raise typer.Exit(1)


@ledger_app.command("archive")
def archive_command(
    to: To,
    campaigns: Campaigns = None,
    before: Before = None,
    numbers: Numbers = False,
    yes: bool = Yes,
    as_json: bool = JSON,
) -> None:
    """Move ended campaigns into CSV files; their counts stay.

    The files are read back before anything is removed. On a terminal it asks
    first. Exit code 1 when a campaign had to stay.
    """
    now = now_utc()
    with settings_and_ledger() as (settings, ledger):
        moment = before.replace(tzinfo=UTC) if before else None
        ids = to_archive(ledger, campaigns or [], moment, now=now)
        if ids:
            confirm(_question(ids, to), yes=yes)
        try:
            result = archive(
                ledger, ids, to, retention=settings.retention, with_numbers=numbers, who=user_name(), now=now
            )
        except OSError as exc:
            raise BadArgument(f"--to: {to}: {exc.strerror}", "name a folder with room; then run it again") from None
    if as_json:
        print_json(asdict(result))
    else:
        _print_archived(result)
    if result.left:
        raise typer.Exit(1)


def _print_differences(differences: Sequence[Difference], *, repaired: bool) -> None:
    if not differences:
        out.print("The counts that the ledger keeps are right.")
        return
    for difference in differences[:DIFFERENCES_SHOWN]:
        key = ", ".join(str(value) for value in difference.key.values() if value != "")
        kept, counted = f"{difference.tallied:,}", f"{difference.counted:,}"
        print_prose(f"{difference.table}: {key}: kept {kept}, counted {counted}")
    more = len(differences) - DIFFERENCES_SHOWN
    if more > 0:
        out.print(f"and {more:,} more")
    if repaired:
        out.print("All is counted anew.")
    else:
        print_prose("What `dialer status` and the pages show is wrong by that; no call depends on it. Mend it with:")
        out.print("  dialer ledger verify --repair")


def _print_what_to_cancel(copy: Copy, when: str) -> None:
    """A copy does not know of calls made after it: what it shows as live would call those people again."""
    if not copy.live:
        out.print("None of its campaigns would dial.")
        return
    print_prose(f"{when}, cancel what it would dial again, since it does not know of later calls:")
    for campaign in copy.live:
        out.print(f"  dialer cancel {campaign}")
    out.print("and import again what was put on the suppression list since, with `dialer dnc import`")


def _question(ids: list[str], to: Path) -> str:
    which = ids[0] if len(ids) == 1 else counted(len(ids), "campaign")
    return f"Move the contacts and calls of {which} into {to}, and remove them from the ledger?"


def _print_archived(result: ArchiveResult) -> None:
    if not result.archived and not result.left:
        out.print("No campaign is to be archived.")
    for campaign, rows in result.archived.items():
        counts = ", ".join(f"{number:,} {table}" for table, number in rows.items())
        print_prose(f"{escape(campaign)}: {counts} are in {escape(short_path(result.folder))}, and its counts here.")
    for campaign, reason in result.left.items():
        print_prose(f"{escape(campaign)} stays: {escape(reason)}")
