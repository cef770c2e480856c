"""The sandbox's clock: it starts with the sandbox and runs `speed` times faster than ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """From this real second on, which was that sandbox second, time runs this fast."""

    real: float
    moment: float
    speed: float


class Clock:
    """Moments are sandbox seconds since the start; the speed may change on the way without moving the past."""

    def __init__(
        self, speed: float, monotonic: Callable[[], float] = time.monotonic, started: datetime | None = None
    ) -> None:
        self._monotonic = monotonic
        self._zero = monotonic()
        self._paces = [Pace(0.0, 0.0, speed)]
        self._changed = asyncio.Event()
        self.started = started or datetime.now(UTC)

    def now(self) -> float:
        """The moment it is."""
        pace = self._paces[-1]
        return pace.moment + (self._real() - pace.real) * pace.speed

    def wall(self, moment: float) -> datetime:
        """The real time, in UTC, of a moment past or to come."""
        pace = next((p for p in reversed(self._paces) if p.moment <= moment), self._paces[0])
        return self.started + timedelta(seconds=pace.real + (moment - pace.moment) / pace.speed)

    def moment(self, wall: datetime) -> float:
        """The moment of a real time, past or to come."""
        real = (wall - self.started).total_seconds()
        pace = next((p for p in reversed(self._paces) if p.real <= real), self._paces[0])
        return pace.moment + (real - pace.real) * pace.speed

    def run_at(self, speed: float) -> None:
        """Run at this speed from now on; a sleep under way still ends at its moment."""
        self._paces.append(Pace(self._real(), self.now(), speed))
        self._changed.set()
        self._changed = asyncio.Event()

    async def sleep_until(self, moment: float) -> None:
        """Return once the moment has come."""
        while (left := moment - self.now()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), left / self._paces[-1].speed)
            except TimeoutError:
                continue

    def _real(self) -> float:
        return self._monotonic() - self._zero
