"""Ctrl-C and SIGTERM: an exception as ever, and a note of it, for Python drops what is raised in a destructor."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

_asked = threading.Event()


def heed() -> None:
    """From here on both signals raise KeyboardInterrupt and are remembered."""
    _asked.clear()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _interrupted)


def heard() -> None:
    """The interruption is being dealt with; another one is a new one."""
    _asked.clear()


def sleep(seconds: float) -> None:
    """Sleep. Raises KeyboardInterrupt also for an interruption that was dropped on its way."""
    if _asked.is_set():
        raise KeyboardInterrupt
    time.sleep(seconds)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt
