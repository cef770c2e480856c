"""Assembles the commands of `dialer`, and turns their errors into messages and exit codes.

A command's module is imported when the command is called: most of a short command's time would be imports of others.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import typer

from console.cli import interruption
from console.cli.command_group import CommandGroup
from console.cli.output import (
    drop_standard_output,
    err,
    escape_unprintable_characters,
    open_standard_streams,
    print_error,
)
from dialer.errors import DialerError

# Each command or group of commands: its module in `commands/`, and its line in the list of `dialer --help`.
COMMANDS = {
    "init": ("init", "Write a first campaign file from a few answers."),
    "check": ("start", "Say what is wrong with a campaign file and its list."),
    "start": ("start", "Check a campaign file and start it."),
    "status": ("campaigns", "How campaigns stand, and why nothing is being dialed."),
    "watch": ("campaigns", "Watch campaigns until they have ended."),
    "report": ("report", "What became of a campaign, or of several together."),
    "pause": ("campaigns", "No new calls from now on; those in progress finish."),
    "resume": ("campaigns", "Dial again."),
    "cancel": ("campaigns", "End for good: contacts not being called become cancelled."),
    "close": ("campaigns", "Let a standing campaign take no more contacts."),
    "redial": ("rerun", "Call those again whom a campaign has not reached."),
    "clone": ("rerun", "Write a campaign's definition to a new file."),
    "test-call": ("rerun", "Call a test number with what one contact would hear."),
    "preview": ("preview", "What one contact of a campaign file would hear."),
    "plan": ("plan", "Replay a campaign before it runs, calling nobody."),
    "rehearse": ("rehearse", "Carry a campaign out on a fast clock, calling nobody."),
    "up": ("up", "Start everything on this machine, until Ctrl-C."),
    "run": ("run", "Start a campaign, wait for its end, print its report."),
    "demo": ("demo", "Run two example campaigns on a sandbox."),
    "notifications": ("notifications", "What to paste into a provider's client area."),
    "doctor": ("doctor", "What is wrong with this installation, and what to do."),
    "accounts": ("accounts", "List the accounts, and say which can log in."),
    "policy": ("policy", "What a provider's error words and codes mean to us."),
    "schema": ("schema", "The JSON Schema of campaign files, for editors."),
    "sandbox": ("sandbox", "Serve both vendors' APIs on this machine, calling nobody."),
    "erase": ("erase", "Remove what is known of a person, for good."),
    "export-person": ("export_person", "Give a person all that is held about them."),
    "retention": ("retention", "How long what is known of people is kept."),
    "explain": ("explain", "Why nothing is dialed, or the story of a contact."),
    "ledger": ("ledger", "The ledger's store."),
    "contact": ("contact", "Append, change, withdraw or show contacts of a campaign."),
    "dnc": ("dnc", "The suppression list: numbers that nobody calls."),
    "call": ("call", "Calls in progress: list them, and manage one."),
    "webhooks": ("webhooks", "Programs of others that are told what happens."),
    "schedule": ("schedule", "Campaigns launched again and again, each with a fresh list."),
    "users": ("users", "The people who use the console."),
    "tokens": ("tokens", "What programs show to use the API."),
    "audit": ("audit", "Who did what, and whether that was changed."),
}


class CommandTable(Mapping[str, Any]):
    """The commands by their names; each is made, and its module imported, when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Modules that are imported leave no garbage; looking for it takes a fifth of a short command's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@cache
def _command(name: str) -> Any:
    module, _line = COMMANDS[name]
    commands = typer.Typer(rich_markup_mode=None)
    with _nothing_collected():
        import_module(f"console.cli.commands.{module}").register(commands)
    return typer.main.get_group(commands).commands[name]


class Dialer(CommandGroup):
    """`dialer` itself. To list its commands, and to say what a misspelt one may have been, imports none of them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = CommandTable()  # type: ignore[assignment]  # nobody adds to it

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table's lines into a help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_module, line) in COMMANDS.items()])


app = typer.Typer(
    name="dialer",
    cls=Dialer,
    help="Bulk voice reminders: nobody called twice, nobody lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

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
    open_standard_streams()
    interruption.install_handlers()
    escape_unprintable_characters()
    try:
        app()
    except DialerError as error:
        _report(error)
        sys.exit(1)
    except BrokenPipeError:  # whoever read the output has had enough, as `head` has
        drop_standard_output()
        sys.exit(1)
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(130)
    except Exception as exc:
        from console.cli import failure  # what it needs is read when it is needed

        _report(failure.explained(exc))
        sys.exit(1)


def _report(error: DialerError) -> None:
    """Print an error where the caller reads it; on standard error if standard output takes no more."""
    try:
        sys.stdout.flush()
        print_error(error, as_json="--json" in sys.argv)
    except OSError:
        drop_standard_output()
        print_error(error, as_json=False)
