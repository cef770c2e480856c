"""Batches that hold nobody: each is sized by how long the last one held the ledger, and others write in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
HELD_SECONDS = 0.03  # for how long a batch shall keep other writers waiting
REST = (
    3  # times as long as a batch took others write; of two writers of SQLite the one that waits asks only now and then
)
LONGEST_REST = 0.5
FIRST, SMALLEST, LARGEST = 20, 10, 200  # rows; of fewer what a transaction costs by itself is most, on a busy machine


class Writes(Protocol):
    """What makes a transaction, such as the ledger."""

    def write(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """Run `function(db, …)` in one transaction."""


@dataclass(slots=True, kw_only=True)
class Batches:
    """Writes that are made in small transactions, with a rest after each.

    until  the moment of `clock` after which no batch is begun; None: all are made
    size   rows of the next batch: fewer at once when one took longer than `aim`, a quarter more after each
           that did not
    held   seconds for which each batch held its locks, its commit included
    aim    HELD_SECONDS, or for how long else a batch shall hold them; its size stays from `smallest` to `largest`
    rests  REST, or how many times as long as a batch took it rests else
    even   what a size is rounded by
    """

    until: float | None = None
    size: int = FIRST
    held: list[float] = field(default_factory=list)
    aim: float = HELD_SECONDS
    smallest: int = SMALLEST
    largest: int = LARGEST
    rests: float = REST
    even: Callable[[int], int] = int
    clock: Callable[[], float] = time.monotonic
    rest: Callable[[float], object] = time.sleep

    @property
    def over(self) -> bool:
        """Whether the run's own time is over."""
        return self.until is not None and self.clock() > self.until

    def parts(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """The items in batches, until the run's own time is over."""
        at = 0
        while at < len(items) and not self.over:
            part = items[at : at + self.size]
            at += len(part)
            yield part

    def write(self, ledger: Writes, act: Callable[..., T], *facts: object, rows: int = 0) -> T:
        """One transaction, and a rest after it. `rows` is how many it is about; 0: it says nothing of the next."""
        began = 0.0

        def timed(db: Connection) -> T:
            nonlocal began
            began = self.clock()  # it has waited for its own turn until now
            return act(db, *facts)

        result = ledger.write(timed)
        took = self.clock() - began
        self.held.append(took)
        self._resize(rows, took)
        self.rest(min(self.rests * took, LONGEST_REST))
        return result

    def _resize(self, rows: int, took: float) -> None:
        if rows and took > self.aim:
            self.size = max(self.smallest, self.even(int(min(rows, self.size) * self.aim / took)))
        elif rows >= self.size:
            self.size = min(self.largest, self.even(self.size + max(1, self.size // 4)))
