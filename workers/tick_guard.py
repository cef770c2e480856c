"""Lets one release tick of a process run at a time, with a pause after one that took much of the processor.

Two at a time would slow each other down. With very many accounts a tick may take longer than the time between two
ticks; the pause leaves the process time to dial what was released. A tick that only waited is followed at once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STUCK_SECONDS = 30.0  # a tick that takes longer waits for a server that does not answer, and no longer blocks others
ASKED_AGAIN_AFTER = 0.01
REST_SHARE, MAX_REST_SECONDS = 0.5, 2.0  # the pause: a share of the processor's time, and at most so long


class TickGuard:
    """Decides whether a tick may run now. `clock` counts seconds, and `processor` those of the calling thread."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._processor = processor
        self._lock = threading.Lock()
        self._began: float | None = None
        self._rests_until = -math.inf

    @contextmanager
    def acquire(self, patience: float = 0.0) -> Iterator[bool]:
        """True when the block may run its tick.

        False while another runs that began within the last `STUCK_SECONDS`, and during a pause, if that lasts longer
        than `patience` seconds.
        """
        until = self._clock() + patience
        acquired, now = self._take()
        while not acquired and now < until:
            time.sleep(ASKED_AGAIN_AFTER)
            acquired, now = self._take()
        took = self._processor()
        try:
            yield acquired
        finally:
            with self._lock:
                if acquired and self._began == now:
                    self._began = None
                    pause = min(REST_SHARE * (self._processor() - took), MAX_REST_SECONDS)
                    self._rests_until = self._clock() + pause

    def _take(self) -> tuple[bool, float]:
        """Whether the tick may run, and the time from which it then counts as running."""
        now = self._clock()
        with self._lock:
            acquired = (self._began is None and now >= self._rests_until) or self._is_stuck(now)
            if acquired:
                self._began = now
        return acquired, now

    def _is_stuck(self, now: float) -> bool:
        return self._began is not None and now - self._began >= STUCK_SECONDS
