"""Ctrl-C and SIGTERM: they raise KeyboardInterrupt and are remembered, as Python drops what a destructor raises."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType

_interrupted_event = threading.Event()


def install_handlers() -> None:
    """From now on both signals raise KeyboardInterrupt and are remembered."""
    _interrupted_event.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)


def acknowledge() -> None:
    """Forget the interruption that is being handled, so that `sleep` raises for a later one only."""
    _interrupted_event.clear()


def sleep(seconds: float) -> None:
    """Sleep. Raises KeyboardInterrupt also for an earlier interruption whose exception was lost."""
    if _interrupted_event.is_set():
        raise KeyboardInterrupt
    time.sleep(seconds)


def _on_signal(_signal: int, _frame: FrameType | None) -> None:
    _interrupted_event.set()
    raise KeyboardInterrupt
