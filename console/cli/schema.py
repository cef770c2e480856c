"""`dialer schema`: what a campaign file can say, for editors."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape

from campaigns.definition import json_schema
from console.cli.output import as_json_text, out, print_json, write_new

Target = typer.Argument(None, help="Where to write it; absent, it is printed.", metavar="[FILE]", show_default=False)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("schema")(schema_command)


def schema_command(file: Path | None = Target) -> None:
    """The JSON Schema of campaign files, by which editors complete and check them."""
    if file is None:
        print_json(json_schema())
        return
    write_new(file, as_json_text(json_schema()) + "\n")
    out.print(f"Editors that read YAML schemas find it by a campaign file's first line:\n{escape(modeline(file))}")


def modeline(schema: Path) -> str:
    """The remark by which editors find the schema of the file it stands in."""
    return f"# yaml-language-server: $schema={schema.name}"
