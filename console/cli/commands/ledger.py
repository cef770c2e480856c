"""`dialer ledger`: create or upgrade the ledger's tables."""

from __future__ import annotations

import typer

from console.cli.command_group import CommandGroup
from console.cli.context import settings_and_ledger
from console.cli.output import out

ledger_app = typer.Typer(cls=CommandGroup, help="The ledger's store.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(ledger_app, name="ledger")


@ledger_app.command("upgrade")
def upgrade_command() -> None:
    """Make the ledger's tables, or bring them to this version's shape. Safe to run again."""
    with settings_and_ledger() as (_, ledger):
        out.print(f"The ledger at {ledger.place} is current.")
