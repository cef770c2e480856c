"""How often each caller of the API may ask of this console."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

REQUESTS, SECONDS = 5000, 10  # twice what a program sends that places the most calls there are
CALLERS_KEPT = 1000


class Allowance(NamedTuple):
    """What is left of a caller's window, and in how many seconds the next one begins."""

    left: int
    seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The rate-limit headers of the IETF's draft."""
        return {
            "RateLimit-Policy": f'"default";q={REQUESTS};w={SECONDS}',
            "RateLimit": f'"default";r={max(0, self.left)};t={self.seconds}',
        }


class RateLimit:
    """Counts each caller's requests in windows of SECONDS. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def take(self, caller: str) -> Allowance:
        """Count a request; fewer than none are left when it is one too many."""
        now = self._clock()
        window = int(now // SECONDS)
        with self._lock:
            began, taken = self._windows.pop(caller, (window, 0))
            taken = taken + 1 if began == window else 1
            self._windows[caller] = window, taken
            if len(self._windows) > CALLERS_KEPT:
                self._windows.pop(next(iter(self._windows)))
        return Allowance(REQUESTS - taken, max(1, round((window + 1) * SECONDS - now)))
