"""Lets threads that have the same work to do at the same time do it together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from time import monotonic, sleep
from typing import Generic, TypeVar

T = TypeVar("T")


class Together(Generic[T]):
    """Work that one thread at a time does, for all that wait for their turn: the busier, the fewer transactions.

    `gather`: for so many seconds a thread waits for others before it begins, when one came as shortly before it.
    """

    def __init__(self, *, gather: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._gather, self._came_at = gather, -1.0
        self._turns: dict[Hashable, threading.Lock] = {}
        self._waiting: dict[Hashable, list[T]] = {}

    def do(self, work: Hashable, items: Sequence[T], act: Callable[[Sequence[T]], None]) -> None:
        """Return when `act` has been called with these items, by this thread or by another with the same work.

        What `act` raises is raised in the thread that called it.
        """
        with self._lock:
            turn = self._turns.setdefault(work, threading.Lock())
            self._waiting.setdefault(work, []).extend(items)
            now = monotonic()
            is_busy, self._came_at = now - self._came_at < self._gather, now
        with turn:
            if is_busy and work in self._waiting:
                sleep(self._gather)
            with self._lock:
                waiting = self._waiting.pop(work, [])
            if waiting:
                act(waiting)
