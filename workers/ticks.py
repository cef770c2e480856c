"""Release ticks of one process: one at a time, for two beside each other make each other longer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STUCK = 30.0  # seconds: a tick that takes longer waits for a server that will not answer, and holds nobody


class Ticks:
    """Who may tick now. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began: float | None = None

    @contextmanager
    def one(self) -> Iterator[bool]:
        """True for as long as the block runs, unless another began within the last `STUCK` seconds and goes on."""
        now = self._clock()
        with self._lock:
            mine = self._began is None or now - self._began >= STUCK
            if mine:
                self._began = now
        try:
            yield mine
        finally:
            with self._lock:
                if mine and self._began == now:
                    self._began = None
