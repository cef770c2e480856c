"""The bar that people see while a long list is read or started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from campaigns.audience.progress import Progress as Passes
from console.cli.output import err

T = TypeVar("T")
MIN_ITEMS_FOR_BAR = 20_000
UPDATE_EVERY = 1000
BAR_WIDTH = 20  # with the words beside it, ten million rows fit in 80 columns


def import_bar(doing: str, things: str, *, estimated: bool = False) -> Passes:
    """Pass things on; on a terminal, and where there are many, show how far it is. An estimate is told as one."""
    of = "of about" if estimated else "of"
    counts = TextColumn(f"{{task.completed:>9,.0f}} {of} {{task.total:,.0f}} {things}")

    def passes(given: Iterable[T], about: int) -> Iterable[T]:
        total = round(about, -3) if estimated else about
        return _with_bar(given, total, doing, counts) if about >= MIN_ITEMS_FOR_BAR and err.is_terminal else given

    return passes


def _with_bar(given: Iterable[T], total: int, doing: str, counts: TextColumn) -> Iterator[T]:
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(BAR_WIDTH),
        counts,
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(doing, total=total)
        for count, one in enumerate(given, start=1):
            if count % UPDATE_EVERY == 0:
                bar.update(task, completed=count, total=max(total, count))
            yield one
