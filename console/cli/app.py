"""Assembles the commands of `dialer`, and turns their errors into messages and exit codes."""

from __future__ import annotations

import sys
from importlib.metadata import version

import typer

from console.cli import interruption
from console.cli.commands import (
    accounts,
    call,
    campaigns,
    demo,
    dnc,
    explain,
    init,
    ledger,
    notifications,
    plan,
    policy,
    preview,
    rerun,
    sandbox,
    schedule,
    schema,
    stack,
)
from console.cli.output import err, escape_unprintable_characters, print_error
from dialer.errors import DialerError
from dialer.providers.registry import specs, titles

app = typer.Typer(
    name="dialer",
    help=f"Bulk voice reminders through {titles(specs())}: nobody called twice, nobody lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    init,
    campaigns,
    rerun,
    preview,
    plan,
    stack,
    demo,
    notifications,
    accounts,
    policy,
    schema,
    sandbox,
    ledger,
    dnc,
    explain,
    call,
    schedule,
)
for module in COMMANDS:
    module.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"campaign-dialer {version('campaign-dialer')}")
        raise typer.Exit


@app.callback()
def options(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 problems found, 2 wrong use, 130 interrupted."""
    interruption.install_handlers()
    escape_unprintable_characters()
    try:
        app()
    except DialerError as error:
        print_error(error, as_json="--json" in sys.argv)
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(130)
