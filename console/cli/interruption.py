"""Ctrl-C and SIGTERM: they raise KeyboardInterrupt and are remembered, as Python drops what a destructor raises.

A handler takes no lock, so it sets no `threading.Event`: it may run while the main thread holds the event's lock, or
within another handler, and would wait for itself.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_interrupted = False


def install_handlers() -> None:
    """From now on both signals raise KeyboardInterrupt and are remembered."""
    acknowledge()
    for number in SIGNALS:
        signal.signal(number, _on_signal)


def told_to_stop() -> Callable[[float], bool]:
    """From now on both signals raise nothing. What is returned waits so many seconds, and tells whether one has come.

    It returns as soon as one comes, and at once ever after.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)

    def tell(_signal: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):  # it is full: that has been told
            os.write(write, b"!")

    for number in SIGNALS:
        signal.signal(number, tell)
    return lambda seconds: bool(select.select([read], [], [], seconds)[0])


def acknowledge() -> None:
    """Forget the interruption that is being handled, so that `sleep` raises for a later one only."""
    global _interrupted
    _interrupted = False


def sleep(seconds: float) -> None:
    """Sleep. Raises KeyboardInterrupt also for an earlier interruption whose exception was lost."""
    if _interrupted:
        raise KeyboardInterrupt
    time.sleep(seconds)


def _on_signal(_signal: int, _frame: FrameType | None) -> None:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt
