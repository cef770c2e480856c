"""`dialer sandbox`: both vendors on this machine, calling nobody."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

from console.cli.output import out, print_json, table
from dialer.errors import DialerError
from dialer.sandbox.config import BadConfig, load_config
from dialer.sandbox.control import described, openapi
from dialer.sandbox.reserved_table import rows
from dialer.sandbox.vendors import VENDORS

DEFAULT_PORT = 8900


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("sandbox")(sandbox_command)


def sandbox_command(
    host: str | None = typer.Option(None, help="Address to listen on; 0.0.0.0 in a container.  [default: 127.0.0.1]"),
    port: int | None = typer.Option(None, min=1, max=65535, help=f"Port to listen on.  [default: {DEFAULT_PORT}]"),
    speed: float | None = typer.Option(None, min=0.1, max=1000, help="How fast its clock runs.  [default: 1]"),
    config: Path | None = typer.Option(
        None, "--config", help="YAML file with limits, whitelist, components, client area; options win."
    ),
    numbers: bool = typer.Option(False, "--numbers", help="List the reserved numbers and exit."),
    schema: bool = typer.Option(
        False, "--schema", help=f"Print the {described().title} side as an OpenAPI document and exit."
    ),
    as_json: bool = typer.Option(False, "--json", help="With --numbers: as JSON."),
) -> None:
    """Serve both vendors' APIs on this machine; no telephone rings."""
    if numbers:
        _print_numbers(as_json=as_json)
    elif schema:
        print_json(openapi())
    else:
        _serve(config, {"host": host, "port": port, "speed": speed})


def _serve(file: Path | None, options: dict[str, Any]) -> None:
    from dialer.sandbox.server import serve

    chosen = {name: value for name, value in options.items() if value is not None}
    try:
        config = load_config(file, **chosen)
    except BadConfig as exc:
        raise DialerError(f"the sandbox's config: {exc}", f"docs/{described().name}.md lists its keys") from None
    if not config.port:
        config = config.model_copy(update={"port": DEFAULT_PORT})
    try:
        serve(config, ready=_print_place)
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else str(exc)
        raise DialerError(
            f"port {config.port} on {config.host}: {why}", "choose another with --port or --host"
        ) from None


def _print_place(url: str) -> None:
    places = ", ".join(f"{vendor.title}: {vendor.api_path}" for vendor in VENDORS.values())
    out.print(f"Sandbox at {url}  ({places}, log: /_calls)")


def _print_numbers(*, as_json: bool) -> None:
    listed = [{"number": row.number, "what": row.happens} for row in rows()]
    if as_json:
        print_json(listed)
        return
    shown = table("number", "what happens", title="Reserved numbers: +1 (any area code) 555 01NN")
    for row in listed:
        shown.add_row(*row.values())
    out.print(shown)
