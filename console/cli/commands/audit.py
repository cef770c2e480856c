"""`dialer audit`: list who did what, and verify that nobody has changed it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.calendar.times import BadDay, parse_day
from campaigns.ledger.audit_chain.chaining import ChainPlace
from campaigns.ledger.audit_chain.verifying import ChainFault, Verification, verify
from campaigns.reporting.audit_trail import AuditFilter, audit_after
from console.cli.arguments import AsJson, BadArgument
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger
from console.cli.output import local_with_zone, out, print_json, print_prose, table
from dialer.plural import counted

audit_app = typer.Typer(cls=CommandGroup, help="Who did what, and whether that was changed.", no_args_is_help=True)

Campaign = Annotated[str | None, typer.Option(help="Lines of this campaign (its id) only.", show_default=False)]
Who = Annotated[str | None, typer.Option(help="What this user or program did only.", show_default=False)]
Event = Annotated[str | None, typer.Option(help="This kind of act only.", show_default=False)]
Since = Annotated[str | None, typer.Option(help="From this day (UTC) on: 2027-01-31.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many lines at the most, the latest first.")]
Head = Annotated[
    str | None,
    typer.Option("--head", help="PLACE:HASH of an earlier verify: it must still be there.", show_default=False),
]

FAULTS: Mapping[ChainFault, str] = {
    ChainFault.CHANGED: "was changed",
    ChainFault.REMOVED: "was removed",
    ChainFault.INSERTED: "was inserted",
}
CHANGED_ENDS = (
    "[bold red]Where the chain begins and ends was not written with this ledger.hash_key[/]: the key is another, or"
    " that was changed. See that this machine has the key of the others."
)
CHAIN_PLACE = re.compile(r"([0-9]{1,18}):([0-9a-f]{40})")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(audit_app, name="audit")


@audit_app.command("list")
def list_command(
    campaign: Campaign = None,
    who: Who = None,
    event: Event = None,
    since: Since = None,
    limit: Limit = 100,
    as_json: bool = AsJson,
) -> None:
    """Show who did what, the latest first. Phone numbers are masked."""
    wanted = AuditFilter(campaign=campaign, who=who, event=event, since=_day(since))
    with settings_and_ledger() as (_, ledger), ledger.reading() as db:
        lines = audit_after(db, wanted, limit=limit)
    if as_json:
        print_json([asdict(line) for line in lines])
    elif not lines:
        out.print("No line is like that.")
    else:
        shown = table("when", "who", "what", "campaign", "detail")
        for line in lines:
            texts = (line.who, line.event, line.campaign or "", line.detail)
            shown.add_row(local_with_zone(line.at), *map(escape, texts))
        out.print(shown)


@audit_app.command("verify")
def verify_command(head: Head = None, as_json: bool = AsJson) -> None:
    """Say whether the audit's lines are as they were written.

    Exit code 1 when one was changed, removed or inserted: the first is named.
    """
    noted = None if head is None else _chain_place(head)
    with settings_and_ledger() as (_, ledger):
        result = verify(ledger, noted=noted)
    if as_json:
        print_json({"intact": result.fault is None, **asdict(result), "head": result.head and str(result.head)})
    else:
        _print(result, head)
    if result.fault is not None:
        raise typer.Exit(1)


def _print(result: Verification, noted: str | None) -> None:
    if result.fault is None:
        print_prose(f"Intact: {counted(result.chained, 'line')}, each as it was written.")
    elif result.fault is ChainFault.NOTED:
        print_prose(f"[bold red]{noted} is not in the chain[/]: lines were taken off its end, or all written anew.")
    elif result.fault is ChainFault.ENDS:
        print_prose(CHANGED_ENDS)
    else:
        line = f"Line {result.place:,} {FAULTS[result.fault]}"
        where = f"; {_where(result)}" if result.id is not None else ""
        before = counted(result.chained, "line before it is as it was", "lines before it are as they were")
        print_prose(f"[bold red]{line}[/]{where}. The {before}.")
    if result.removed:
        print_prose(f"{counted(result.removed, 'line')} before them were removed because they were old.")
    if result.waiting:
        lines = counted(result.waiting, "line is", "lines are")
        print_prose(f"{lines} not chained yet: the workers do that within seconds. Nothing is promised of these.")
    if result.backdated:
        lines = counted(result.backdated, "line is", "lines are")
        print_prose(f"{lines} dated an hour or more before a line ahead: written later, or a clock was set.")
    if result.head is not None and result.fault is None:
        print_prose("To see later that nothing was taken off its end, note this in another place, for --head:")
        out.print(f"  {result.head}")


def _where(result: Verification) -> str:
    stands = "line" if result.fault is not ChainFault.REMOVED else "the next one has"
    return f"{stands} id {result.id}, of {local_with_zone(result.at)}"


def _chain_place(text: str) -> ChainPlace:
    written = CHAIN_PLACE.fullmatch(text.strip())
    if written is None:
        raise BadArgument(
            f"--head: {text[:60]!r} is no place of the chain", "write PLACE:HASH, as `audit verify` printed it"
        )
    return ChainPlace(place=int(written[1]), hash=written[2])


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.combine(parse_day(text), time(), UTC)
    except BadDay as exc:
        raise BadArgument(f"--since: {text!r} is no day", exc.suggestion) from None
