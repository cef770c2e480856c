"""`dialer rehearse`: carry out a campaign on a fast clock against a sandbox, beside its plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from campaigns.definition import load_definition
from console.cli.arguments import MAX_SEED, AsJson, FilePath
from console.cli.context import settings_and_ledger
from console.cli.output import err, out, print_json
from console.cli.views.rehearsal import rehearsal_panel
from dialer import log_setup
from workers.clock import now_utc
from workers.rehearsal.beginning import beginning
from workers.rehearsal.facts import rehearsal_facts, skipped_rows
from workers.rehearsal.rehearsal import DEFAULT_SEED, Standing, Watch, rehearse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rehearse")(rehearse_command)


def rehearse_command(
    file: Path = FilePath,
    at: Annotated[
        str | None, typer.Option(help="When it begins: 2026-12-01T09:00, in the campaign's zone; absent, now.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Another seed draws another run; the same repeats it.")
    ] = DEFAULT_SEED,
    as_json: bool = AsJson,
) -> None:
    """Carry out a campaign on a fast clock, calling nobody: days pass in seconds.

    The real dial path runs against a sandbox, in a ledger that is thrown away. Its report stands beside the plan's.
    """
    log_setup.set_up("ERROR", process="rehearsal")
    with settings_and_ledger() as (settings, ledger), _progress() as watch:
        begins = beginning(at, load_definition(file), now_utc())
        rehearsed = rehearse(file, settings, ledger, begins=begins, seed=seed, watch=watch)
    if as_json:
        print_json(rehearsal_facts(rehearsed))
    else:
        out.print(rehearsal_panel(rehearsed))
    if skipped_rows(rehearsed.plan) or not rehearsed.comparison.within:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Watch]:
    """On a terminal, a bar of the contacts that are final, and the moment by the rehearsal's clock."""
    if not err.is_terminal:
        yield lambda _standing: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} contacts final"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("reading the list", total=0)

        def watch(standing: Standing) -> None:
            words = f"{standing.now.astimezone():%a %d %b %H:%M}"
            bar.update(task, completed=standing.final, total=standing.contacts, description=words)

        yield watch
