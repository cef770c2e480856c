"""A deadline after which a request must not be sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock's time, aware, UTC."""
    return datetime.now(UTC)


def steady_seconds() -> float:
    """Seconds of a clock that cannot be set. It runs on while the machine is suspended, if the OS has such a clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Deadline:
    """A deadline at an aware moment, checked by two clocks: it has passed as soon as either clock says so.

    So neither a wall clock that is set back nor a frozen process or machine can extend it. ValueError for a naive `at`.
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

    def steady(self) -> float:
        """The reading of its steady clock."""
        return self._steady()

    def seconds_left(self) -> float:
        """Seconds until it passes, by the clock that gives fewer; never below zero."""
        by_wall = (self.at - self._wall()).total_seconds()
        return max(0.0, min(by_wall, self._steady_at - self._steady()))

    def passed(self) -> bool:
        """True once the moment has come."""
        return self.seconds_left() <= 0.0

    def __repr__(self) -> str:
        return f"Deadline({self.at.isoformat()})"
