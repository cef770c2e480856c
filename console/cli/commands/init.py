"""`dialer init`: write a first campaign file from the answers to a few questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer
from rich.markup import escape

from campaigns.definition import json_schema, load_definition
from campaigns.launch.checking.any_hour import NO_HOURS, TO_SET_HOURS
from campaigns.launch.scaffold import SAMPLE_LIST, Answers, columns_of, likely_phone, likely_text, scaffold
from console.cli.context import effective_settings
from console.cli.output import as_json_text, err, out, print_warning, write_new
from dialer.errors import DialerError
from dialer.providers.registry import lines_to_add

SCHEMA = "campaign.schema.json"
QUESTIONS = {
    "account": "Account in the settings",
    "file": "List of contacts (CSV or XLSX), beside the campaign file",
    "phone": "Column with the numbers",
    "country": "Country of numbers without a plus (US, GB …; blank: all have one)",
    "text": "What is said, with columns as {{ name }}",
    "caller_id": "Number shown to the people called",
    "zone": "Time zone for calling hours (America/New_York …; blank: any hour)",
    "hours": "Hours from Monday to Friday",
}


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("init")(init_command)


def init_command(
    file: Path = typer.Argument(Path("campaign.yaml"), help="The campaign file to write."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Ask nothing, and take what is proposed."),
) -> None:
    """Write a first campaign file from a few answers, and a sample list if there is none. Nothing is overwritten."""
    if file.exists():
        raise DialerError(f"{file} is there already", "choose another name, or remove it first")
    accounts = sorted(effective_settings().accounts)
    answers = _ask(file, accounts, ask=not yes)
    schema = file.parent / SCHEMA
    write_new(file, scaffold(answers, SCHEMA))
    try:
        load_definition(file)
    except DialerError:
        err.print(f"{escape(str(file))} is written, and something in it is not right yet.")
        raise
    written = [file]
    for extra_file, text in ((schema, as_json_text(json_schema()) + "\n"), (file.parent / answers.file, SAMPLE_LIST)):
        if not extra_file.exists():
            write_new(extra_file, text)
            written.append(extra_file)
    out.print(f"Written: {escape(', '.join(str(path) for path in written))}")
    if answers.account not in accounts:
        out.print(f"Account {escape(answers.account)} is not in the settings yet. Add to dialer.toml:\n")
        out.print(escape(lines_to_add(answers.account)) + "\n")
    if not answers.zone:
        print_warning(f"{NO_HOURS}; {TO_SET_HOURS}")
    out.print(f"Next: dialer check {escape(str(file))}")
    out.print("Or without a file, in the browser: dialer up, then New campaign on its pages.")


def _ask(file: Path, accounts: Sequence[str], *, ask: bool) -> Answers:
    answers = Answers(campaign=_campaign_name(file), account=accounts[0] if accounts else "main")
    for name, question in QUESTIONS.items():
        if name == "hours" and not answers.zone:
            continue
        default = getattr(answers, name)
        answer = typer.prompt(question, default=default, show_default=bool(default)) if ask else default
        answers = replace(answers, **{name: str(answer).strip()})
        if name == "file":
            answers = _propose_columns(answers, columns_of(file.parent / answers.file))
    return answers


def _propose_columns(answers: Answers, columns: tuple[str, ...]) -> Answers:
    """The answers, with a phone column and a text that fit the list's columns."""
    columns = columns or ("phone", "name")
    return replace(answers, phone=likely_phone(columns), text=likely_text(columns))


def _campaign_name(file: Path) -> str:
    """A campaign's name made from its file's: letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", file.stem).strip("-")[:60] or "campaign"
