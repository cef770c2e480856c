"""Release ticks of one process: one at a time, for two beside each other make each other longer, and not all the time.

With very many accounts a tick may take longer than the time between two. It leaves the process as much time again by
half, in which what it has released is dialed.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STUCK_SECONDS = 30.0  # seconds: a tick that takes longer waits for a server that will not answer, and holds nobody
REST_SHARE, MAX_REST_SECONDS = 0.5, 2.0  # of a tick's own time, until the next; seconds


class TickGuard:
    """Who may tick now. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._rests_until = -math.inf

    @contextmanager
    def one(self) -> Iterator[bool]:
        """True for as long as the block runs, unless another began within the last `STUCK` seconds and goes on.

        Nor directly after a long one.
        """
        now = self._clock()
        with self._lock:
            mine = (self._began is None and now >= self._rests_until) or self._is_stuck(now)
            if mine:
                self._began = now
        try:
            yield mine
        finally:
            with self._lock:
                if mine and self._began == now:
                    self._began = None
                    over = self._clock()
                    self._rests_until = over + min(REST_SHARE * (over - now), MAX_REST_SECONDS)

    def _is_stuck(self, now: float) -> bool:
        return self._began is not None and now - self._began >= STUCK_SECONDS
