"""The wall clock, watched by one that nobody sets, so that a jump of it is noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from dialer.deadline import steady_seconds, utc_now

TOLERANCE = timedelta(seconds=30)


class WatchedClock:
    """Tells the time; once the wall clock has been set by more than half a minute, tells every time that it may be.

    Nobody can say whether a jump was a mistake or its correction. So whoever must not call at the wrong hour asks
    `moments` and does only what is right at each of them. Both stand until the wall clock is back or the process is
    started anew. A suspended machine's clock does not jump: the steady clock counts on meanwhile, where the OS has one.
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
        """What time it may be, the wall clock's first: one moment, or two that are more than `TOLERANCE` apart."""
        now, steady = self._wall(), self._steady()
        reckoned = self._at + timedelta(seconds=steady - self._steady_at)
        if abs(now - reckoned) > TOLERANCE:
            return now, reckoned
        self._at, self._steady_at = now, steady  # a clock that is slewed is followed
        return (now,)
