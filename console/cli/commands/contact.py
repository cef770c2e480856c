"""`dialer contact`: contacts of a campaign that has started are appended, changed, withdrawn and shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.audience.progress import no_progress
from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.launch.append import AppendResult
from campaigns.launch.change import Change
from campaigns.ledger.lists.contacts import ContactLine, ContactRef, Outcome
from campaigns.operations.retention.kept_until import kept_until
from campaigns.operations.withdrawals import Withdrawals
from console.cli.arguments import (
    STANDARD_INPUT,
    AsJson,
    BadArgument,
    Country,
    Name,
    SkipRejects,
    given_lines,
    given_numbers,
)
from console.cli.command_group import CommandGroup
from console.cli.context import reports_folder, settings_and_ledger
from console.cli.output import out, print_json, print_prose, table
from console.cli.progress import import_bar
from console.cli.starting import campaigns_of
from console.cli.views import check as show
from console.cli.views.contact import print_contact
from dialer.plural import counted

SHOWN_ROWS = 20
contact_app = typer.Typer(
    cls=CommandGroup, help="Append, change, withdraw or show contacts of a campaign.", no_args_is_help=True
)

Key = Annotated[str | None, typer.Option("--key", help="The contact's key, instead of its number.")]
Keys = Annotated[
    str | None, typer.Option("--key", help="The contact's key, instead of its number; - and @FILE as for numbers.")
]
OneNumber = Annotated[str | None, typer.Argument(help="The contact's number, with + and country code.")]
Numbers = Annotated[
    str | None,
    typer.Argument(help="The number, with + and country code; - for numbers on standard input, @FILE for a file's."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(contact_app, name="contact")


@contact_app.command("append", short_help="Append rows to a campaign that goes on.")
def append_command(
    campaign: str = Name,
    file: Path = typer.Argument(help="CSV or XLSX with the columns of its list; - for CSV on standard input."),
    skip_rejects: bool = SkipRejects,
    as_json: bool = AsJson,
) -> None:
    """Append rows to a campaign that goes on; they are checked as a start checks its list.

    Appending the same file again changes nothing. A row whose key is there changes its contact while that waits.
    """
    with settings_and_ledger() as (settings, ledger), _as_file(file) as path:
        campaigns, bar = campaigns_of(settings, ledger), import_bar("reading", "rows", estimated=True)
        checked = campaigns.check_rows(campaign, path, progress=no_progress if as_json else bar)
        rejects = checked.write_rejects(reports_folder(settings), f"{checked.definition.campaign}-append")
        if checked.rejects and not as_json:
            show.print_check_result(checked, rejects)
        checked.refuse_rejects(rejects, skip=skip_rejects, undone="appended")
        result = campaigns.append(campaign, checked, skip_rejects=skip_rejects)
    if as_json:
        print_json(asdict(result) | {"rejects": str(rejects) if rejects else None})
    else:
        _print_appended(result)


@contextmanager
def _as_file(file: Path) -> Iterator[Path]:
    """The file; standard input as a file of its own, which is gone at the end of the block."""
    if str(file) != STANDARD_INPUT:
        yield file
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "standard-input.csv"
        path.write_bytes(sys.stdin.buffer.read())
        yield path


def _print_appended(result: AppendResult) -> None:
    parts = [f"{result.added:,} added", f"{result.changed:,} changed", f"{result.same:,} there already"]
    parts += [f"{result.left:,} left as they are"] if result.left else []
    out.print(f"[bold]{result.campaign}[/]: {', '.join(parts)}.")
    left = [row for row in result.rows if row.reason]
    if left:
        shown = table(">line", "key", "why it is left as it is")
        for row in left[:SHOWN_ROWS]:
            shown.add_row(str(row.line), escape(row.key), escape(row.reason))
        out.print(shown)


@contact_app.command("change")
def change_command(
    campaign: str = Name,
    number: OneNumber = None,
    key: Key = None,
    fields: list[str] = typer.Option([], "--set", help="A new value: name=Ann. May be given several times."),
    phone: str | None = typer.Option(None, help="A new number, with + and country code."),
    not_after: str | None = typer.Option(None, help="Never call it after this moment: 2027-01-31T09:00+00:00."),
    text: str | None = typer.Option(None, help="What is said, instead of the campaign's text."),
    country: Country = None,
    as_json: bool = AsJson,
) -> None:
    """Change a contact while it waits for its call. The new values are checked as at the start."""
    change = Change(fields=_fields(fields), phone=phone, not_after=_moment(not_after) if not_after else None, text=text)
    if change == Change():
        raise BadArgument("nothing is to be changed", "give --set, --phone, --not-after or --text")
    ref = _ref(number, key, country)
    with settings_and_ledger() as (settings, ledger):
        result = campaigns_of(settings, ledger).change(campaign, ref, change)
    changed = result.outcome is Outcome.DONE
    if as_json:
        print_json(_contact_facts(result.contact) | {"outcome": result.outcome, "why": result.why or None})
    elif changed:
        out.print(f"{_named(result.contact)} is changed.")
    else:
        out.print(f"{_named(result.contact)} stays as it is: {escape(result.why)}.")
    if not changed and result.outcome is not Outcome.BEFORE:
        raise typer.Exit(1)


@contact_app.command("withdraw", short_help="Take contacts out: they are called no more.")
def withdraw_command(
    campaign: str = Name,
    number: Numbers = None,
    key: Keys = None,
    reason: str | None = typer.Option(None, help="Why; the report and the audit have it."),
    country: Country = None,
    as_json: bool = AsJson,
) -> None:
    """Take contacts out of a campaign: they are not called from now on. Other campaigns may call them.

    A call that is on the line goes on, and is the last.
    """
    refs = _refs(number, key, country)
    with settings_and_ledger() as (settings, ledger):
        result = campaigns_of(settings, ledger).withdraw(campaign, *refs, reason=reason)
    if as_json:
        contacts = [_contact_facts(one.contact) | {"outcome": one.outcome} for one in result.contacts]
        print_json({"campaign": result.campaign, "contacts": contacts, "unknown": [str(ref) for ref in result.unknown]})
    else:
        _print_withdrawn(result)
    if result.unknown:
        raise typer.Exit(1)


def _print_withdrawn(result: Withdrawals) -> None:
    words = {
        Outcome.DONE: "is withdrawn, and will not be called",
        Outcome.BEFORE: "was withdrawn before",
        Outcome.ON_A_CALL: "has a call on the line: it goes on, and is the last",
    }
    for withdrawal in result.contacts[:SHOWN_ROWS]:
        over = f"is {withdrawal.contact.status.value} already: there is nothing to withdraw"
        out.print(f"{_named(withdrawal.contact)} {words.get(withdrawal.outcome, over)}.")
    if len(result.contacts) > SHOWN_ROWS:
        done = sum(one.outcome is Outcome.DONE for one in result.contacts)
        out.print(f"… {counted(done, 'contact')} of {len(result.contacts):,} withdrawn in all.")
    for ref in result.unknown[:SHOWN_ROWS]:
        print_prose(f"{escape(str(ref))} is no contact of {result.campaign}: nothing was done for it.")


@contact_app.command("show", short_help="Tell a contact's whole story.")
def show_command(
    campaign: str = Name, number: OneNumber = None, key: Key = None, country: Country = None, as_json: bool = AsJson
) -> None:
    """A contact's whole story: where it stands and why, its attempts, and what the provider told of them."""
    ref = _ref(number, key, country)
    with settings_and_ledger() as (settings, ledger):
        story = campaigns_of(settings, ledger).show(campaign, ref)
        kept = kept_until(ledger, story, settings.retention)
    print_contact(story, kept, as_json=as_json)


def _refs(number: str | None, key: str | None, country: str | None) -> Sequence[ContactRef]:
    """What the arguments name: a number or a key, or several where they lead elsewhere. Raises BadArgument."""
    if (number is None) == (key is None):
        raise BadArgument("name the contact by its number, or by --key", "give one of the two")
    if key is not None:
        return [ContactRef(key=line) for line in given_lines(key, "key")]
    return [ContactRef(number=phone) for phone in given_numbers(number or "", country)]


def _ref(number: str | None, key: str | None, country: str | None) -> ContactRef:
    ref, *more = _refs(number, key, country)
    if more:
        raise BadArgument(f"{len(more) + 1} contacts were named", "name one")
    return ref


def _fields(pairs: Sequence[str]) -> dict[str, str] | None:
    if bad := [pair for pair in pairs if "=" not in pair]:
        raise BadArgument(f"--set {bad[0][:40]!r} has no =", "write --set name=value")
    return dict(pair.split("=", 1) for pair in pairs) or None


def _moment(written: str) -> datetime:
    try:
        moment = parse_moment(written)
    except BadMoment as exc:
        raise BadArgument(f"--not-after: {exc}", exc.suggestion) from None
    if moment.tzinfo is None:
        raise BadArgument("--not-after has no offset", "write it with one: 2027-01-31T09:00+00:00")
    return moment


def _named(contact: ContactLine) -> str:
    return f"{contact.number} (key {escape(contact.key)})" if contact.key else contact.number


def _contact_facts(contact: ContactLine) -> dict[str, Any]:
    """A contact as JSON facts, without what is said to it."""
    return {name: value for name, value in asdict(contact).items() if name not in ("fields", "text", "version")}
