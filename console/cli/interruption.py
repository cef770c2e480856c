"""Ctrl-C and SIGTERM: an exception as ever, and a note of it, for Python drops what is raised in a destructor."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

_interrupted_event = threading.Event()


def install_handlers() -> None:
    """From here on both signals raise KeyboardInterrupt and are remembered."""
    _interrupted_event.clear()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _on_signal)


def acknowledge() -> None:
    """The interruption is being dealt with; another one is a new one."""
    _interrupted_event.clear()


def sleep(seconds: float) -> None:
    """Sleep. Raises KeyboardInterrupt also for an interruption that was dropped on its way."""
    if _interrupted_event.is_set():
        raise KeyboardInterrupt
    time.sleep(seconds)


def _on_signal(_signal: int, _frame: FrameType | None) -> None:
    _interrupted_event.set()
    raise KeyboardInterrupt
