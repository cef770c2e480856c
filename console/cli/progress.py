"""The bar that people see while a long list is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from campaigns.launch import Progress as Passes
from console.cli.output import err

T = TypeVar("T")
WORTH_A_BAR = 20_000
MOVES_EVERY = 1000


def import_bar(doing: str) -> Passes:
    """Pass contacts on; on a terminal, and for a long list, show how far it is."""

    def passes(rows: Iterable[T], about: int) -> Iterable[T]:
        return _shown(rows, about, doing) if about >= WORTH_A_BAR and err.is_terminal else rows

    return passes


def _shown(rows: Iterable[T], about: int, doing: str) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(doing, total=about)
        for count, row in enumerate(rows, start=1):
            if count % MOVES_EVERY == 0:
                bar.update(task, completed=count, total=max(about, count))
            yield row
