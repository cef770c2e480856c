"""Gives each Python process that has this folder on PYTHONPATH a clock that can be set while it runs.

The file that CLOCK_OFFSET names holds the seconds by which the wall clock is wrong. Steady clocks are left alone.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

LOOK_EVERY = 0.1


class SettableClock:
    """Sets this process's wall clock as the file says."""

    def __init__(self, file: Path) -> None:
        self._file, self._offset = file, 0.0
        self._travel: time_machine.travel | None = None

    def follow(self) -> None:
        """Look again and again."""
        while True:
            time.sleep(LOOK_EVERY)
            self.set()

    def set(self) -> None:
        """Set the clock, unless it is as the file says already."""
        offset = float(self._file.read_text() or self._offset)
        if offset == self._offset:
            return
        if self._travel:
            self._travel.stop()
        self._travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=offset)) if offset else None
        if self._travel:
            self._travel.start()
        self._offset = offset


clock = SettableClock(Path(os.environ["CLOCK_OFFSET"]))
clock.set()
threading.Thread(target=clock.follow, daemon=True).start()
