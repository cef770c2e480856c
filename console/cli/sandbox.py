"""`dialer sandbox`: both vendors on this machine, calling nobody."""

from __future__ import annotations

import os

import typer

from console.cli.output import out, print_json, table
from dialer.errors import DialerError
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.numbers import rows


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("sandbox")(sandbox_command)


def sandbox_command(
    port: int = typer.Option(8900, min=1, max=65535, help="Port to listen on, on this machine only."),
    speed: float = typer.Option(1.0, min=0.1, max=1000, help="How fast its clock runs."),
    numbers: bool = typer.Option(False, "--numbers", help="List the reserved numbers and exit."),
    as_json: bool = typer.Option(False, "--json", help="With --numbers: as JSON."),
) -> None:
    """Serve both vendors' APIs on this machine; no telephone rings."""
    if numbers:
        _print_numbers(as_json=as_json)
        return
    from dialer.sandbox.server import serve

    try:
        serve(SandboxConfig(port=port, speed=speed), ready=_print_place)
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else str(exc)
        raise DialerError(f"port {port} on 127.0.0.1: {why}", "choose another with --port") from None


def _print_place(url: str) -> None:
    out.print(f"Sandbox at {url}  (CallGear: /v4.0, Webex Connect: /v2/messages, log: /_calls)")


def _print_numbers(*, as_json: bool) -> None:
    listed = [dict(zip(("number", "what"), row, strict=False)) for row in rows()]
    if as_json:
        print_json(listed)
        return
    shown = table("number", "what happens", title="Reserved numbers: +1 (any area code) 555 01NN")
    for row in listed:
        shown.add_row(*row.values())
    out.print(shown)
