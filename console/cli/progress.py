"""The progress bar that is shown while a long list is read or started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from campaigns.audience.progress import ProgressBar as Passes
from console.cli.output import err

T = TypeVar("T")
MIN_ITEMS_FOR_BAR = 20_000
UPDATE_EVERY = 1000
BAR_WIDTH = 20  # so that, with the text beside it, ten million rows fit in 80 columns


def import_bar(action: str, items: str, *, estimated: bool = False) -> Passes:
    """A wrapper that passes items on and, on a terminal, shows a bar when there are many of them.

    `estimated`: the total is a guess, and is shown as one.
    """
    of = "of about" if estimated else "of"
    counts = TextColumn(f"{{task.completed:>9,.0f}} {of} {{task.total:,.0f}} {items}")

    def wrap(source: Iterable[T], count: int) -> Iterable[T]:
        total = round(count, -3) if estimated else count
        return _with_bar(source, total, action, counts) if count >= MIN_ITEMS_FOR_BAR and err.is_terminal else source

    return wrap


def _with_bar(source: Iterable[T], total: int, action: str, counts: TextColumn) -> Iterator[T]:
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(BAR_WIDTH),
        counts,
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(action, total=total)
        for count, item in enumerate(source, start=1):
            if count % UPDATE_EVERY == 0:
                bar.update(task, completed=count, total=max(total, count))
            yield item
