"""The clock of this process, which sees when it is set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

from dialer.clock import WatchedClock

_clock = WatchedClock()


def _begin_anew() -> None:
    global _clock
    _clock = WatchedClock()


os.register_at_fork(after_in_child=_begin_anew)  # what was done to the clock before this process ran is nothing to it


def now_utc() -> datetime:
    """The clock that tasks, pages and commands read."""
    return _clock()


def possible_times() -> Sequence[datetime]:
    """The times that it may be: two where the clock was set while this process ran."""
    return _clock.moments()
