"""The vendors' limits: fixed windows, counted in sandbox seconds, whose phase is their own and not the clock's."""

from __future__ import annotations

from dialer.sandbox.config import SandboxConfig

MINUTE = 60.0
DAY = 86_400.0
DAY_OFFSET = 7.3 * 3600
"""Seconds of its current day that have passed when a sandbox starts, beside those of its minute."""


class Window:
    """A fixed window of so many seconds, of which `offset` have passed at moment 0."""

    def __init__(self, length: float, offset: float = 0.0) -> None:
        self._length = length
        self._offset = offset
        self._index = 0
        self._taken = 0

    def remaining(self, limit: int, now: float) -> int:
        """What is left of the limit in the window of this moment."""
        self._turn(now)
        return max(0, limit - self._taken)

    def take(self, cost: int, now: float) -> None:
        """Count something that was granted."""
        self._turn(now)
        self._taken += cost

    def seconds_left(self, now: float) -> float:
        """How long the window of this moment still lasts."""
        return self._length - (now + self._offset) % self._length

    def _turn(self, now: float) -> None:
        index = int((now + self._offset) // self._length)
        if index != self._index:
            self._index, self._taken = index, 0


class Points:
    """A CallGear account's points: so many a minute, so many a day, taken only for what succeeded."""

    def __init__(self, offset: float) -> None:
        self._minute = Window(MINUTE, offset)
        self._day = Window(DAY, DAY_OFFSET + offset)

    def exceeded(self, cost: int, config: SandboxConfig, now: float) -> tuple[str, int] | None:
        """The limit that does not allow this cost, by name and value; None when all do."""
        if self._minute.remaining(config.points_per_minute, now) < cost:
            return "minute", config.points_per_minute
        if self._day.remaining(config.points_per_day, now) < cost:
            return "day", config.points_per_day
        return None

    def take(self, cost: int, now: float) -> None:
        """Charge for a success."""
        self._minute.take(cost, now)
        self._day.take(cost, now)

    def figures(self, config: SandboxConfig, now: float) -> dict[str, int]:
        """The vendor's `limits` member; resets are whole seconds, rounded down."""
        return {
            "day_limit": config.points_per_day,
            "day_remaining": self._day.remaining(config.points_per_day, now),
            "day_reset": int(self._day.seconds_left(now)),
            "minute_limit": config.points_per_minute,
            "minute_remaining": self._minute.remaining(config.points_per_minute, now),
            "minute_reset": int(self._minute.seconds_left(now)),
        }
