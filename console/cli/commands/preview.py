"""`dialer preview`: the text that one contact would hear, its length and voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from campaigns.definition.speech.speech_filters import SpokenValue
from campaigns.launch.preview import Preview, PreviewedReminder, preview
from console.cli.arguments import AsJson, FilePath, Row
from console.cli.context import effective_settings
from console.cli.output import out, print_json, print_prose, table
from console.formatting import PRIORITIES
from dialer.plural import counted

NUMBERS_NAMED = 4


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("preview")(preview_command)


def preview_command(file: Path = FilePath, row: int | None = Row, as_json: bool = AsJson) -> None:
    """The text that one contact of a campaign file will hear, its length, and about how long it takes to say."""
    shown = preview(file, effective_settings().accounts, row)
    if as_json:
        print_json(_facts(shown))
    elif shown.rejected is not None:
        reject = shown.rejected
        where = f"line {reject.line}" + (f", {reject.column}" if reject.column else "")
        print_prose(f"[bold]{shown.campaign}[/]  {escape(where)}: not called: {escape(reject.reason)}")
        if reject.suggestion:
            print_prose(f"[bold]Do:[/] {escape(reject.suggestion)}")
    else:
        _print(shown)
    if shown.rejected is not None:
        raise typer.Exit(1)


def _facts(shown: Preview) -> dict[str, object]:
    facts = {**asdict(shown), "characters": shown.characters, "values": [value._asdict() for value in shown.values]}
    facts["cost"] = shown.cost and shown.cost._asdict()
    facts["reminders"] = [reminder._asdict() for reminder in shown.reminders]
    if shown.rejected is not None:
        facts["rejected"] = {name: getattr(shown.rejected, name) for name in ("code", "column", "reason", "suggestion")}
    return facts


def _print(shown: Preview) -> None:
    out.print(f"[bold]{shown.campaign}[/]  line {shown.line}")
    facts = table("", "")
    facts.show_header = False
    facts.add_row("contact", shown.contact)
    facts.add_row("zone", shown.zone or "any")
    facts.add_row("shows", _one_of(shown.caller_ids))
    for account, numbers in shown.caller_ids_by_account.items():
        facts.add_row(f"  {account}", _one_of(numbers))
    if shown.priority:
        facts.add_row("priority", PRIORITIES[shown.priority])
    if shown.callback_data:
        facts.add_row("sends back", escape(shown.callback_data))
    if shown.variant:
        facts.add_row("text", f"variant {shown.variant}")
    if shown.text is None:
        facts.add_row("says", "a recording, or nothing: the provider has it")
    else:
        if shown.repeat > 1:
            facts.add_row("said", f"{shown.repeat} times in one call")
        facts.add_row("length", f"{counted(shown.characters, 'character')}, about {shown.seconds:.0f} s of speech")
    if shown.responses:
        facts.add_row("pressed", escape(", ".join(f"{key} {means}" for key, means in shown.responses.items())))
    if shown.cost:
        cost = shown.cost
        facts.add_row("costs", f"about {cost.answered} {cost.currency} when answered, {cost.at_most} at the most")
    if shown.voice:
        facts.add_row("voice", escape(", ".join(f"{name} {value}" for name, value in shown.voice.items())))
    out.print(facts)
    texts = {reminder.text for reminder in shown.reminders}
    if shown.text is not None and len(texts) < 2:
        out.print()
        print_prose(escape(shown.text))
    for reminder in shown.reminders:
        out.print(f"\n[bold]{reminder.reminder}[/] before: {_moments_of(reminder)}")
        if len(texts) > 1 and reminder.text is not None:
            print_prose(escape(reminder.text))
    if shown.values:
        out.print(_values(shown.values))


def _moments_of(reminder: PreviewedReminder) -> str:
    at, calls_at = reminder.at, reminder.calls_at
    if calls_at is None:
        return f"{at:%a %d %b %H:%M}, where the contact is: left out, no calling hour comes in time"
    later = f", called {calls_at:%a %d %b %H:%M}" if calls_at > at else ""
    return f"{at:%a %d %b %H:%M}{later}, where the contact is"


def _one_of(numbers: Sequence[str]) -> str:
    named = ", ".join(numbers[:NUMBERS_NAMED]) + ", …" * (len(numbers) > NUMBERS_NAMED)
    return named if len(numbers) == 1 else f"one of {named}"


def _values(values: Sequence[SpokenValue]) -> Table:
    """The values that the text does not say as they are written."""
    spoken = table("variable", "in the list", "is said as", "", title="\nWhat is made of the values")
    for value in values:
        spoken.add_row(*map(escape, value))
    return spoken
