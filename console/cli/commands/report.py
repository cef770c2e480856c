"""`dialer report`: what became of a campaign, or of several together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from campaigns.calendar.times import BadTime, parse_day, parse_moment
from campaigns.ledger.store import Ledger
from campaigns.reporting.joint.chosen_campaigns import Choice
from campaigns.reporting.joint.joint_report import joint_report
from campaigns.reporting.joint.report_sheets import FOR_PEOPLE, WITHOUT_NUMBERS, Sheet, write_sheet, write_xlsx
from campaigns.reporting.report import report
from console.cli.arguments import AsJson, BadArgument
from console.cli.context import reports_folder, settings_and_ledger
from console.cli.output import print_json
from console.cli.views.joint_report import joint_facts, print_joint_report
from console.cli.views.report import print_report, report_facts
from dialer.whole_file import part_of, whole_file


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report_command)


def report_command(
    campaigns: Annotated[
        list[str] | None,
        typer.Argument(help="Ids, or names for the newest of each; several give one report.", metavar="[CAMPAIGN]..."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DAY", help="Campaigns that started on this day or later: 2026-11-01.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Campaigns that started on this day at the latest.")
    ] = None,
    list_file: Annotated[
        Path | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="Write the list as it was given, with what became of each row: .csv or .xlsx.",
            dir_okay=False,
        ),
    ] = None,
    numbers: Annotated[bool, typer.Option("--numbers", help="Whole phone numbers in that list.")] = False,
    workbook: Annotated[
        Path | None,
        typer.Option(
            "--xlsx",
            metavar="FILE",
            help="Write contacts, attempts and unknown calls to a workbook, too.",
            dir_okay=False,
        ),
    ] = None,
    as_json: bool = AsJson,
) -> None:
    """What became of a campaign: totals, and where the CSV files of its attempts and contacts are.

    Of several campaigns, or of those that started in a span of days, the totals of each and of all.
    """
    choice = _choice(campaigns or [], since, until)
    if numbers and list_file is None:
        raise BadArgument("--numbers: it is about the list that --list writes", "give --list FILE, too")
    if list_file is not None and list_file.suffix.lower() not in (".csv", ".xlsx"):
        raise BadArgument(f"--list: {list_file} ends neither in .csv nor in .xlsx", "name a file that does")
    with settings_and_ledger() as (settings, ledger):
        if choice.is_single:
            single = report(ledger, choice.names[0], reports_folder(settings))
            facts, show = partial(report_facts, single), partial(print_report, single)
        else:
            joint = joint_report(ledger, choice)
            facts, show = partial(joint_facts, joint), partial(print_joint_report, joint)
        if list_file is not None:
            _write_list(ledger, choice, list_file, numbers)
        if workbook is not None:
            _write_workbook(ledger, choice, WITHOUT_NUMBERS, workbook, "--xlsx")
    if as_json:
        print_json(facts(list_file))
    else:
        show(list_file=list_file)


def _choice(names: Sequence[str], since: str | None, until: str | None) -> Choice:
    """The campaigns that are meant. Raises BadArgument."""
    first = _moment("--since", since) if since is not None else None
    last = _moment("--until", until, end=True) if until is not None else None
    if not names and first is None and last is None:
        raise BadArgument("no campaign is named, and no span of days", "name one, or give --since or --until")
    if first is not None and last is not None and last <= first:
        raise BadArgument("--until comes before --since", "give the first day, then the last")
    return Choice(tuple(names), first, last)


def _moment(option: str, text: str, *, end: bool = False) -> datetime:
    """A day of this machine's zone, its end with `end`, or a moment. Raises BadArgument."""
    try:
        if "T" in text or " " in text:
            return parse_moment(text).astimezone()
        return datetime.combine(parse_day(text) + timedelta(days=end), time()).astimezone()
    except BadTime as exc:
        raise BadArgument(
            f"{option}: {text!r}: {exc}", "write a day, 2026-11-30, or a moment, 2026-11-30T15:00"
        ) from None


def _write_list(ledger: Ledger, choice: Choice, file: Path, numbers: bool) -> None:
    if file.suffix.lower() == ".xlsx":
        _write_workbook(ledger, choice, FOR_PEOPLE, file, "--list", numbers=numbers)
        return
    try:
        with whole_file(file, encoding="utf-8-sig") as stream:
            write_sheet(ledger, choice, Sheet.LIST, stream, numbers=numbers)
    except OSError as exc:
        raise _not_written("--list", file, exc) from None


def _write_workbook(
    ledger: Ledger, choice: Choice, sheets: Sequence[Sheet], file: Path, option: str, *, numbers: bool = False
) -> None:
    try:
        with part_of(file) as part:
            with part.open("wb") as stream:
                write_xlsx(ledger, choice, sheets, stream, numbers=numbers)
            part.replace(file)
    except OSError as exc:
        raise _not_written(option, file, exc) from None


def _not_written(option: str, file: Path, exc: OSError) -> BadArgument:
    return BadArgument(f"{option}: {file}: {exc.strerror}", "name a file that this user may write")
