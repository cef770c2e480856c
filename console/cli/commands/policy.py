"""`dialer policy`: what each provider's answers mean to us."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markup import escape

from console.cli.output import out, print_json, table
from dialer.providers.registry import PROVIDERS


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("policy")(policy_command)


def policy_command(
    provider: str = typer.Argument(help="The provider.", metavar=f"[{'|'.join(PROVIDERS)}]"),
    as_json: bool = typer.Option(False, "--json", help="As JSON."),
) -> None:
    """List a provider's error words and codes, and what the dialer does about each."""
    if provider not in PROVIDERS:
        raise typer.BadParameter(f"no provider {provider!r}; there are: {', '.join(PROVIDERS)}")
    rows = PROVIDERS[provider].without_account().policy()
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    shown = table("word, code", "verdict", "note")
    shown.columns[0].no_wrap = True  # people write these words into retry.mnemonics
    for row in rows:
        shown.add_row(f"{escape(row.mnemonic)}\n[dim]{row.code}[/]", row.verdict, escape(row.note))
    out.print(shown)
