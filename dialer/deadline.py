"""A moment after which a request must not leave any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


def steady_seconds() -> float:
    """Seconds of a clock that nobody sets and that counts on while the machine is suspended, where the OS has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Deadline:
    """A deadline at an aware moment, held against two clocks: it has passed as soon as either says so.

    A wall clock set back cannot prolong it, and neither can a process or machine that was frozen.
    """

    def __init__(
        self, at: datetime, *, wall: Callable[[], datetime] = utc_now, steady: Callable[[], float] = steady_seconds
    ) -> None:
        if at.tzinfo is None:
            raise ValueError("a deadline is an aware datetime")
        self.at = at
        self._wall = wall
        self._steady = steady
        self._steady_at = steady() + (at - wall()).total_seconds()

    def seconds_left(self) -> float:
        """Seconds until it passes, by the clock that is further on; never below zero."""
        by_wall = (self.at - self._wall()).total_seconds()
        return max(0.0, min(by_wall, self._steady_at - self._steady()))

    def passed(self) -> bool:
        """True once the moment has come."""
        return self.seconds_left() <= 0.0

    def __repr__(self) -> str:
        return f"Deadline({self.at.isoformat()})"
