"""The clock of this process, which sees when it is set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dialer.clock import WatchedClock

_clock = WatchedClock()


def now_utc() -> datetime:
    """The clock that tasks, pages and commands read."""
    return _clock()


def possible_times() -> Sequence[datetime]:
    """The times that it may be: two where the clock was set while this process ran."""
    return _clock.moments()
