"""`dialer up`: start everything on this machine, for as long as needed.

It stays, so it imports nothing but what supervising needs.
"""

from __future__ import annotations

import typer

from console.cli import interruption
from console.cli.output import out
from console.cli.stack_session import print_event, print_stack
from workers.settings import load
from workers.stack.stack import Stack


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("up")(up_command)


def up_command(
    sandbox: bool = typer.Option(False, "--sandbox", help="Point every account at a sandbox of both vendors."),
    speed: float = typer.Option(1.0, min=0.1, max=1000, help="How fast the sandbox's clock runs."),
    workers: int | None = typer.Option(
        None, min=1, max=32, help="Worker processes; absent, two, or one where there is one core."
    ),
) -> None:
    """Start everything on this machine and keep it up until Ctrl-C: Redis, workers, beat, console, Flower."""
    settings = load()
    stopping = interruption.told_to_stop()
    with Stack(settings, sandbox=sandbox, speed=speed, workers=workers, events=print_event) as stack:
        print_stack(stack.info, settings)
        out.print("Stop with Ctrl-C; what is under way is kept and goes on at the next `dialer up`.")
        stack.watch(stopping)
        out.print("Stopping; calls being placed are finished first.")
