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
        self._locks: dict[Hashable, threading.Lock] = {}
        self._waiting: dict[Hashable, _Batch[T]] = {}

    def do(self, work: Hashable, items: Sequence[T], act: Callable[[Sequence[T]], None]) -> None:
        """Return when `act` has been called with these items, by this thread or by another with the same work.

        What `act` raises is raised in the thread that called it.
        """
        with self._lock:
            lock = self._locks.setdefault(work, threading.Lock())
            is_first = work not in self._waiting
            batch = self._waiting.setdefault(work, _Batch())
            batch.items.extend(items)
            now = monotonic()
            is_busy, self._came_at = now - self._came_at < self._gather, now
        if not is_first:
            batch.done.wait()  # and no longer: what comes after it is others' work
            return
        with lock:
            if is_busy and (left := now + self._gather - monotonic()) > 0:
                sleep(left)
            with self._lock:
                del self._waiting[work]
            try:
                act(batch.items)
            finally:
                batch.done.set()


class _Batch(Generic[T]):
    """What is done in one go, by the thread whose items were the first of it."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.done = threading.Event()
