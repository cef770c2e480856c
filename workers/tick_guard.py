"""Lets one release tick of a process run at a time, with a pause after a long one.

Two at a time would slow each other down. With very many accounts a tick may take longer than the time between two
ticks; the pause leaves the process time to dial what was released.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STUCK_SECONDS = 30.0  # a tick that takes longer waits for a server that does not answer, and no longer blocks others
REST_SHARE, MAX_REST_SECONDS = 0.5, 2.0  # the pause: a share of the tick's own time, and at most so long


class TickGuard:
    """Decides whether a tick may run now. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None
        self._rests_until = -math.inf

    @contextmanager
    def acquire(self) -> Iterator[bool]:
        """True when the block may run its tick.

        False while another runs that began within the last `STUCK_SECONDS`, and during the pause after a long one.
        """
        now = self._clock()
        with self._lock:
            acquired = (self._began is None and now >= self._rests_until) or self._is_stuck(now)
            if acquired:
                self._began = now
        try:
            yield acquired
        finally:
            with self._lock:
                if acquired and self._began == now:
                    self._began = None
                    ended = self._clock()
                    self._rests_until = ended + min(REST_SHARE * (ended - now), MAX_REST_SECONDS)

    def _is_stuck(self, now: float) -> bool:
        return self._began is not None and now - self._began >= STUCK_SECONDS
