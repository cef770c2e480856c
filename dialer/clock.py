"""A wall clock compared with a steady clock, so that a change of the system time is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from dialer.deadline import steady_seconds, utc_now

TOLERANCE = timedelta(seconds=30)


class WatchedClock:
    """The current time; after the wall clock was set by more than `TOLERANCE`, both times that may be right.

    A jump may be a mistake or the correction of one. Code that must not call at a wrong hour asks `moments`, and does
    only what is allowed at each of them. Both moments stay until the wall clock is set back or the process restarts.
    A suspended machine causes no jump: where the OS has such a clock, the steady clock runs on while suspended.
    """

    def __init__(self, *, wall: Callable[[], datetime] = utc_now, steady: Callable[[], float] = steady_seconds) -> None:
        self._wall = wall
        self._steady = steady
        self._at = wall()
        self._steady_at = steady()

    def __call__(self) -> datetime:
        """The wall clock's time, aware, UTC."""
        return self._wall()

    def moments(self) -> tuple[datetime, ...]:
        """The times that may be right (aware, UTC): the wall clock's, and a second one if it has jumped."""
        now, steady = self._wall(), self._steady()
        expected = self._at + timedelta(seconds=steady - self._steady_at)
        if abs(now - expected) > TOLERANCE:
            return now, expected
        self._at, self._steady_at = now, steady  # small adjustments (slewing) are accepted
        return (now,)
