"""`dialer dnc`: the suppression list; `dialer erase`: remove a person's data."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.ledger.suppressions import Suppression
from campaigns.operations import suppression_list
from campaigns.operations.erasure import ErasureResult, erase
from campaigns.operations.file_erasure import ErasedFiles, erase_files
from console.cli.arguments import BadArgument, known_encoding, parse_number
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import local_with_zone, out, print_json, print_note, print_prose, short_path, table
from dialer.plural import counted
from workers.settings import Settings
from workers.wiring import now_utc

SHOWN_REJECTS = 20
dnc_app = typer.Typer(help="The suppression list: numbers that nobody calls.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The number, with + and country code.", metavar="NUMBER")]
Account = Annotated[str, typer.Option(help="Only for this account; absent, for all of them.")]
Reason = Annotated[str, typer.Option(help="Why; it is shown wherever the number is held back.")]
Until = Annotated[str | None, typer.Option(help="Until when: 2027-01-31T00:00+00:00; absent, for good.")]
Country = Annotated[str | None, typer.Option(help="Country (two letters) of numbers written without a plus.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text file: cp1250, gbk …; absent, as it shows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(dnc_app, name="dnc")
    app.command("erase")(erase_command)


@dnc_app.command("add")
def add_command(
    number: Number,
    account: Account = "",
    reason: Reason = "do not call",
    until: Until = None,
    country: Country = None,
    as_json: AsJson = False,
) -> None:
    """Put a number on the list. It holds from the next dial on, retries included."""
    phone = parse_number(number, country)
    with settings_and_ledger() as (settings, ledger):
        added = suppression_list.add(
            ledger,
            phone,
            reason=reason,
            who=user_name(),
            now=now_utc(),
            account=_account(account, settings),
            expires_at=_until(until),
        )
    if as_json:
        print_json({"number": phone.masked, "added": added})
    else:
        out.print(f"{phone.masked} {'will not be called' if added else 'was on the list already'}.")


@dnc_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV with a column phone or number, or numbers only.", metavar="FILE")],
    account: Account = "",
    reason: Reason = "do not call",
    until: Until = None,
    country: Country = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
) -> None:
    """Put a list of numbers on the list. Good rows go in; bad ones are named.

    A file that `dialer dnc export` wrote is taken as it stands, each line for its account and until its moment."""
    with settings_and_ledger() as (settings, ledger):
        result = suppression_list.import_file(
            ledger,
            file,
            country=country,
            reason=reason,
            who=user_name(),
            now=now_utc(),
            account=_account(account, settings),
            expires_at=_until(until),
            encoding=known_encoding(encoding),
        )
    for remark in result.remarks:
        print_note(remark)
    if as_json:
        rejected = [
            {"line": reject.line, "reason": reject.reason, "suggestion": reject.suggestion} for reject in result.rejects
        ]
        print_json({"added": result.added, "known": result.known, "expired": result.expired, "rejected": rejected})
    else:
        expired = f" {result.expired:,} expired," if result.expired else ""
        known = f"{result.known:,} on the list already"
        out.print(f"{result.added:,} added, {known},{expired} {len(result.rejects):,} not understood.")
        for reject in result.rejects[:SHOWN_REJECTS]:
            print_prose(
                f"  line {reject.line}: {escape(reject.reason)}"
                + (f" – {escape(reject.suggestion)}" if reject.suggestion else "")
            )
        if len(result.rejects) > SHOWN_REJECTS:
            out.print(f"  … and {len(result.rejects) - SHOWN_REJECTS:,} more")
    if result.rejects:
        raise typer.Exit(1)


@dnc_app.command("export", short_help="Write the whole list, to be imported again.")
def export_command(
    file: Annotated[Path, typer.Argument(help="CSV to write.", metavar="FILE")], as_json: AsJson = False
) -> None:
    """Write the whole list, its numbers in full, so that it can be imported again."""
    with settings_and_ledger() as (_, ledger):
        try:
            lines = suppression_list.export_file(ledger, file)
        except OSError as exc:
            raise BadArgument(f"{file}: {exc.strerror}", "name a file that can be written") from None
    if as_json:
        print_json({"lines": lines, "file": str(file)})
    else:
        out.print(f"{counted(lines, 'line')} written to {file}.")


@dnc_app.command("remove")
def remove_command(number: Number, account: Account = "", country: Country = None, as_json: AsJson = False) -> None:
    """Take a number off the list. What another account says of it stays."""
    phone = parse_number(number, country)
    with settings_and_ledger() as (settings, ledger):
        removed = suppression_list.remove(
            ledger, phone, who=user_name(), now=now_utc(), account=_account(account, settings)
        )
        remaining = suppression_list.entries_of(ledger, phone)
    if as_json:
        print_json({"number": phone.masked, "removed": removed, "lines_left": len(remaining)})
    else:
        remark = (
            f" Lines that still name it: {len(remaining)}; see them with: dialer dnc why {number}" if remaining else ""
        )
        out.print(f"{phone.masked} {'is off the list' if removed else 'was not on it'}.{remark}")
    if not removed:
        raise typer.Exit(1)


@dnc_app.command("why")
def why_command(number: Number, country: Country = None, as_json: AsJson = False) -> None:
    """Say whether a number is on the list, since when, and why. Exit code 1 when it is not."""
    phone = parse_number(number, country)
    with settings_and_ledger() as (_, ledger):
        lines = suppression_list.entries_of(ledger, phone)
    now = now_utc()
    holds = any(line.holds(now) for line in lines)
    if as_json:
        print_json(
            {"number": phone.masked, "lines": [_line_facts(line) | {"holds": line.holds(now)} for line in lines]}
        )
    elif not lines:
        out.print(f"{phone.masked} is not on the list.")
    else:
        shown = table("account", "why", "by", "since", "until", title=phone.masked)
        for line in lines:
            until = local_with_zone(line.expires_at) if line.expires_at else "for good"
            until += "" if line.holds(now) else " (over)"
            shown.add_row(
                line.account or "all", escape(line.reason), escape(line.source), local_with_zone(line.added_at), until
            )
        out.print(shown)
        if not holds:
            out.print(f"{phone.masked} is not on the list any more.")
    if not holds:
        raise typer.Exit(1)


def erase_command(number: Number, country: Country = None, as_json: AsJson = False) -> None:
    """Remove what is known of a person, and never call the number again: only a keyed hash of it stays.

    Exit code 1 when a file still names the number.
    """
    phone = parse_number(number, country)
    with settings_and_ledger() as (settings, ledger):
        erased = erase(ledger, phone, who=user_name(), now=now_utc())
        files = erase_files(ledger, phone, settings.data_dir / "reports")
    if as_json:
        print_json(asdict(erased) | asdict(files))
    else:
        _print_erased(erased, files)
    if files.left:
        raise typer.Exit(1)


def _print_erased(erased: ErasureResult, files: ErasedFiles) -> None:
    emptied = f"{counted(erased.contacts, 'contact')} and {counted(erased.receipts, 'receipt')}"
    out.print(f"Emptied: {emptied}; the number is not called again.")
    if erased.in_progress:
        out.print(f"{counted(erased.in_progress, 'call is', 'calls are')} in progress. Nothing is left to do:")
        out.print("the workers' sweep erases the rest when the call is over.")
    for file in files.rewritten:
        out.print(f"Written anew: {escape(short_path(file))}")
    for file in files.left:
        out.print(f"Still names it, or cannot be read; delete it: {escape(short_path(file))}")
    if files.elsewhere:
        out.print("Not on this machine; if they name the number, delete them:")
    for file in files.elsewhere:
        out.print(f"  {escape(str(file))}")
    out.print("Your own lists, exports, plans and copies of the ledger are yours to correct.")


def _account(name: str, settings: Settings) -> str:
    if name and name not in settings.accounts:
        known = ", ".join(sorted(settings.accounts)) or "none"
        raise BadArgument(f"no account {name!r}", f"the settings have: {known}")
    return name


def _until(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_moment(text)
    except BadMoment as exc:
        raise BadArgument(f"--until: {exc}", exc.suggestion) from None
    moment = moment if moment.tzinfo else moment.astimezone()
    if moment <= now_utc() + timedelta(seconds=1):
        raise BadArgument("--until: this moment has passed", "write a later one, or leave --until out")
    return moment


def _line_facts(line: Suppression) -> dict[str, object]:
    return {name: value for name, value in asdict(line).items() if name != "phone"}
