"""`dialer dnc`: the suppression list."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.ledger.numbers.suppressions import Suppression
from campaigns.operations import suppression_list
from campaigns.operations.suppression_files import exporting, importing
from console.cli.arguments import (
    STANDARD_INPUT,
    BadArgument,
    Country,
    Number,
    given_numbers,
    known_encoding,
    single_or_all,
)
from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import local_with_zone, out, print_json, print_note, print_prose, table
from dialer.phone import PhoneNumber
from dialer.plural import counted
from workers.clock import now_utc
from workers.settings import Settings

SHOWN_REJECTS = 20
SHOWN_LINES = 50
LINE_COLUMNS = ("account", "why", "by", "since", "until")
dnc_app = typer.Typer(cls=CommandGroup, help="The suppression list: numbers that nobody calls.", no_args_is_help=True)

Account = Annotated[str, typer.Option(help="Only for this account; absent, for all of them.")]
Reason = Annotated[str, typer.Option(help="Why; it is shown wherever the number is held back.")]
Until = Annotated[str | None, typer.Option(help="Until when: 2027-01-31T00:00+00:00; absent, for good.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of a text file: cp1250, gbk …; absent, as it shows.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(dnc_app, name="dnc")


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
    phones = given_numbers(number, country)
    with settings_and_ledger() as (settings, ledger):
        of_account, expires_at = _account(account, settings), _until(until)
        added = [
            suppression_list.add(
                ledger,
                phone,
                reason=reason,
                who=user_name(),
                now=now_utc(),
                account=of_account,
                expires_at=expires_at,
            )
            for phone in phones
        ]
    if as_json:
        facts = [{"number": phone.masked, "added": new} for phone, new in zip(phones, added, strict=True)]
        print_json(single_or_all(number, facts))
        return
    for phone, new in zip(phones, added, strict=True):
        out.print(f"{phone.masked} {'will not be called' if new else 'was on the list already'}.")


@dnc_app.command("list", short_help="Show the list, newest first, its numbers masked.")
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=1_000_000_000, help="How many lines at most.")] = SHOWN_LINES,
    as_json: AsJson = False,
) -> None:
    """Show the list, newest first, its numbers masked; `dialer dnc export -` writes them in full."""
    with settings_and_ledger() as (_, ledger):
        lines, total = suppression_list.newest(ledger, limit)
    now = now_utc()
    if as_json:
        facts = [{"number": line.masked} | _line_facts(line) | {"holds": line.holds(now)} for line in lines]
        print_json({"lines": total, "newest": facts})
    elif not lines:
        out.print("Nobody is on the list. Put a number on it with `dialer dnc add`.")
    else:
        shown = table("number", *LINE_COLUMNS)
        for line in lines:
            shown.add_row(line.masked, *_line_cells(line, now))
        out.print(shown)
        if total > len(lines):
            print_prose(f"… and {total - len(lines):,} older. All of them: dialer dnc export list.csv")


@dnc_app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="CSV with a column phone or number, or numbers only.", metavar="FILE")],
    account: Account = "",
    reason: Reason = "do not call",
    until: Until = None,
    country: Country = None,
    encoding: Encoding = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what would be added.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a list of numbers on the list. Good rows go in; bad ones are named.

    A file that `dialer dnc export` wrote is taken as it stands, each line for its account and until its moment."""
    with settings_and_ledger() as (settings, ledger):
        result = importing.import_file(
            ledger,
            file,
            country=country,
            reason=reason,
            who=user_name(),
            now=now_utc(),
            account=_account(account, settings),
            expires_at=_until(until),
            encoding=known_encoding(encoding),
            dry_run=check,
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
        would_be = "would be " if check else ""
        out.print(f"{result.added:,} {would_be}added, {known},{expired} {len(result.rejects):,} not understood.")
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
    file: Annotated[Path, typer.Argument(help="CSV to write; - for standard output.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Write the whole list, its numbers in full, so that it can be imported again."""
    to_screen = str(file) == STANDARD_INPUT
    if to_screen and as_json:
        raise BadArgument("the list and --json cannot both go to standard output", "leave one of them out")
    with settings_and_ledger() as (_, ledger):
        if to_screen:
            # In UTF-8 whatever the terminal's encoding: it is to be read in again.
            with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as stream:
                exporting.write_lines(ledger, stream)
            return
        try:
            lines = exporting.export_file(ledger, file)
        except OSError as exc:
            raise BadArgument(f"{file}: {exc.strerror}", "name a file that can be written") from None
    if as_json:
        print_json({"lines": lines, "file": str(file)})
    else:
        out.print(f"{counted(lines, 'line')} written to {file}.")


@dnc_app.command("remove")
def remove_command(number: Number, account: Account = "", country: Country = None, as_json: AsJson = False) -> None:
    """Take a number off the list. What another account says of it stays. Exit code 1 when it was not there."""
    phones = given_numbers(number, country)
    with settings_and_ledger() as (settings, ledger):
        of_account = _account(account, settings)
        removed = [
            suppression_list.remove(ledger, phone, who=user_name(), now=now_utc(), account=of_account)
            for phone in phones
        ]
        remaining = [len(suppression_list.entries_of(ledger, phone)) for phone in phones]
    results = list(zip(phones, removed, remaining, strict=True))
    if as_json:
        facts = [{"number": phone.masked, "removed": was, "lines_left": left} for phone, was, left in results]
        print_json(single_or_all(number, facts))
    else:
        for phone, was_there, left in results:
            remark = f" Lines that still name it: {left}; see them with: dialer dnc why {number}" if left else ""
            out.print(f"{phone.masked} {'is off the list' if was_there else 'was not on it'}.{remark}")
    if not all(removed):
        raise typer.Exit(1)


@dnc_app.command("why")
def why_command(number: Number, country: Country = None, as_json: AsJson = False) -> None:
    """Say whether a number is on the list, since when, and why. Exit code 1 when it is not."""
    phones = given_numbers(number, country)
    with settings_and_ledger() as (_, ledger):
        entries = [suppression_list.entries_of(ledger, phone) for phone in phones]
    now = now_utc()
    if as_json:
        facts = [
            {"number": phone.masked, "lines": [_line_facts(line) | {"holds": line.holds(now)} for line in lines]}
            for phone, lines in zip(phones, entries, strict=True)
        ]
        print_json(single_or_all(number, facts))
    else:
        for phone, lines in zip(phones, entries, strict=True):
            _print_why(phone, lines, now)
    if not all(any(line.holds(now) for line in lines) for lines in entries):
        raise typer.Exit(1)


def _print_why(phone: PhoneNumber, lines: Sequence[Suppression], now: datetime) -> None:
    if not lines:
        out.print(f"{phone.masked} is not on the list.")
        return
    shown = table(*LINE_COLUMNS, title=phone.masked)
    for line in lines:
        shown.add_row(*_line_cells(line, now))
    out.print(shown)
    if not any(line.holds(now) for line in lines):
        out.print(f"{phone.masked} is not on the list any more.")


def _line_cells(line: Suppression, now: datetime) -> tuple[str, ...]:
    until = local_with_zone(line.expires_at) if line.expires_at else "for good"
    until += "" if line.holds(now) else " (over)"
    return line.account or "all", escape(line.reason), escape(line.source), local_with_zone(line.added_at), until


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
