"""Seldom: what happens many times a second is logged once in a while."""

from __future__ import annotations

import math
import threading
import time


class Seldom:
    """Tells whether something may be named again; safe to use from many threads."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._named: dict[tuple[object, ...], float] = {}
        self._lock = threading.Lock()

    def is_due(self, *what: object, now: float | None = None) -> bool:
        """True the first time, and then once in so many seconds for each; `now` is the reading of another clock."""
        now = time.monotonic() if now is None else now
        with self._lock:
            if now - self._named.get(what, -math.inf) < self._seconds:
                return False
            self._named[what] = now
            return True
