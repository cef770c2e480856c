"""`dialer sandbox`: both vendors on this machine, calling nobody."""

from __future__ import annotations

import typer

from console.cli.output import out, print_json, table
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.numbers import rows


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("sandbox")(sandbox_command)


def sandbox_command(
    port: int = typer.Option(8900, help="Port to listen on, on this machine only."),
    speed: float = typer.Option(1.0, min=0.1, max=1000, help="How fast its clock runs."),
    numbers: bool = typer.Option(False, "--numbers", help="List the reserved numbers and exit."),
    as_json: bool = typer.Option(False, "--json", help="With --numbers: as JSON."),
) -> None:
    """Serve both vendors' APIs on this machine; no telephone rings."""
    if numbers:
        _print_numbers(as_json=as_json)
        return
    from dialer.sandbox.server import serve

    out.print(f"Sandbox at http://127.0.0.1:{port}  (CallGear: /v4.0, Webex Connect: /v2/messages, log: /_calls)")
    serve(SandboxConfig(port=port, speed=speed))


def _print_numbers(*, as_json: bool) -> None:
    listed = [dict(zip(("number", "what"), row, strict=False)) for row in rows()]
    if as_json:
        print_json(listed)
        return
    shown = table("number", "what happens", title="Reserved numbers: +1 (any area code) 555 01NN")
    for row in listed:
        shown.add_row(*row.values())
    out.print(shown)
