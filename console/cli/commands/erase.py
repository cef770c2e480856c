"""`dialer erase`: remove a person's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.markup import escape

from campaigns.operations.erasure import ErasureResult, erase
from campaigns.operations.file_erasure import ErasedFiles, erase_files
from console.cli.arguments import AsJson, Country, Number, given_numbers, leads_elsewhere, single_or_all
from console.cli.confirmation import Yes, confirm
from console.cli.context import settings_and_ledger, user_name
from console.cli.output import out, print_json, short_path
from dialer.phone import PhoneNumber
from dialer.plural import counted
from workers.clock import now_utc


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("erase")(erase_command)


def erase_command(number: Number, country: Country = None, yes: bool = Yes, as_json: bool = AsJson) -> None:
    """Remove what is known of a person, and never call the number again: only a keyed hash of it stays.

    On a terminal it asks first. Exit code 1 when a file still names the number.
    """
    phones = given_numbers(number, country)
    confirm(_question(phones), yes=yes)
    with settings_and_ledger() as (settings, ledger):
        results = [
            (
                phone,
                erase(ledger, phone, who=user_name(), now=now_utc()),
                erase_files(ledger, phone, settings.data_dir / "reports"),
            )
            for phone in phones
        ]
    if as_json:
        print_json(single_or_all(number, [asdict(erased) | asdict(files) for _, erased, files in results]))
    else:
        for phone, erased, files in results:
            if leads_elsewhere(number):
                out.print(f"[bold]{phone.masked}[/]")
            _print_erased(erased, files)
        out.print("Your own lists, exports, plans and copies of the ledger are yours to correct.")
    if any(files.left for _, _, files in results):
        raise typer.Exit(1)


def _question(phones: Sequence[PhoneNumber]) -> str:
    whose = phones[0].masked if len(phones) == 1 else f"these {len(phones):,} numbers"
    return f"Remove for good what is known of {whose}, and never call there again?"


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
