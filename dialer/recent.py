"""Values that were read a moment ago, for what is asked for again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
LONGER = 1.2  # for this many times as long they are good for those who come while somebody reads again


@dataclass(slots=True)
class _Kept(Generic[V]):
    value: V
    read_at: float
    is_read_again: bool = False


class Recent(Generic[K, V]):
    """Keeps values for so many seconds, the `most` that were read last. Safe to use from many threads.

    When one is too old, the first that asks is given None, and reads it again; the others are given it meanwhile.
    """

    def __init__(self, seconds: float, *, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most, self._clock = seconds, most, clock
        self._kept: dict[K, _Kept[V]] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, or None: read it, and `keep` it."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            age = self._clock() - kept.read_at
            if age <= self._seconds or (kept.is_read_again and age <= LONGER * self._seconds):
                return kept.value
            kept.is_read_again = True
            return None

    def now(self) -> float:
        """The moment to be given to `keep`: it is taken before the value is read."""
        return self._clock()

    def keep(self, key: K, value: V, read_at: float) -> None:
        """Keep a value that was read at this moment or later."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = _Kept(value, read_at)
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]

    def forget(self) -> None:
        """Have all of them read again."""
        with self._lock:
            self._kept.clear()
