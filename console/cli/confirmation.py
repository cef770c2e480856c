"""The question before something that cannot be undone."""

from __future__ import annotations

import sys

import typer

Yes = typer.Option(False, "--yes", "-y", help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Return once the person at the terminal has agreed; at once with `yes`, or where nobody sits at one.

    Exits with code 1 for any other answer, and nothing is done then.
    """
    if yes or not sys.stdin.isatty():
        return
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was done.", err=True)
        raise typer.Exit(1)
