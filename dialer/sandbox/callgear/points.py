"""An account's points: what its requests cost, in a minute and in a day."""

from __future__ import annotations

from dialer.sandbox.callgear.config import CallGearConfig
from dialer.sandbox.limits import Window

MINUTE = 60.0
DAY = 86_400.0
DAY_OFFSET = 7.3 * 3600
"""Seconds of its current day that have passed when a sandbox starts, beside those of its minute."""


class Points:
    """Points of one account: so many a minute, so many a day, taken only for what succeeded."""

    def __init__(self, offset: float) -> None:
        self._minute = Window(MINUTE, offset)
        self._day = Window(DAY, DAY_OFFSET + offset)

    def exceeded(self, cost: int, config: CallGearConfig, now: float) -> tuple[str, int] | None:
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

    def figures(self, config: CallGearConfig, now: float) -> dict[str, int]:
        """The vendor's `limits` member; resets are whole seconds, rounded down."""
        return {
            "day_limit": config.points_per_day,
            "day_remaining": self._day.remaining(config.points_per_day, now),
            "day_reset": int(self._day.seconds_left(now)),
            "minute_limit": config.points_per_minute,
            "minute_remaining": self._minute.remaining(config.points_per_minute, now),
            "minute_reset": int(self._minute.seconds_left(now)),
        }
