"""`dialer schema`: the JSON Schema of campaign files, for editors, and a list of their keys."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape

from campaigns.definition import json_schema
from campaigns.definition.key_reference import described_keys
from console.cli.output import as_json_text, out, print_json, table, write_new

Target = typer.Argument(None, help="Where to write it; absent, it is printed.", metavar="[FILE]", show_default=False)


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("schema")(schema_command)


def schema_command(
    file: Path | None = Target, keys: bool = typer.Option(False, "--keys", help="List every key and what it means.")
) -> None:
    """The JSON Schema of campaign files, by which editors complete and check them."""
    if keys:
        _print_keys()
    elif file is None:
        print_json(json_schema())
    else:
        write_new(file, as_json_text(json_schema()) + "\n")
        out.print(f"Editors that read YAML schemas find it by a campaign file's first line:\n{escape(modeline(file))}")


def _print_keys() -> None:
    shown = table("key", "means")
    for key, means in described_keys():
        shown.add_row(key, escape(means))
    out.print(shown)


def modeline(schema: Path) -> str:
    """The comment line by which editors find the schema of the file that it stands in."""
    return f"# yaml-language-server: $schema={schema.name}"
