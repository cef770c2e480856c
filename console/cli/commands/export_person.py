"""`dialer export-person`: all that is held about a person, to be handed over to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from campaigns.operations.retention.personal_data import as_text, export_person
from console.cli.arguments import AsJson, Country, Number, given_numbers, single_or_all
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import as_json_text, err, out, short_path
from dialer.errors import DialerError
from dialer.whole_file import whole_file
from workers.clock import now_utc

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A file that only you can read; absent, it is printed.")
]


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("export-person")(export_person_command)


def export_person_command(
    number: Number, country: Country = None, output: Output = None, as_json: bool = AsJson
) -> None:
    """Give a person all that is held about them: every campaign, call and text.

    Numbers of others are masked in it. A line of the audit says that it was given.
    """
    phones = given_numbers(number, country)
    with settings_and_ledger() as (settings, ledger):
        who, now = user_name(), now_utc()
        held = [export_person(ledger, phone, settings.data_dir, who=who, now=now) for phone in phones]
    if elsewhere := sorted({campaign for each in held for campaign in each["archives_elsewhere"]}):
        err.print(
            f"Not looked through, for they are not on this machine: archives of {escape(', '.join(elsewhere))}. "
            "Run this where they are, too; they may have been deleted."
        )
    text = as_json_text(single_or_all(number, held)) if as_json else "\n\n".join(map(as_text, held))
    if output is None:
        out.print(escape(text), soft_wrap=True)
        return
    try:
        with whole_file(output) as stream:
            stream.write(text + "\n")
    except OSError as exc:
        raise DialerError(f"{output}: {exc.strerror}", "name a file in a folder that you may write to") from None
    err.print(f"{escape(short_path(output))}: it holds whole numbers and texts; hand it over safely.")
