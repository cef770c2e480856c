"""The gates that time keeps, for a replay: asked once for each opening and zone, then told in a comparison.

Moments are in Unix seconds. The answers are those of `campaigns.calendar.calling_hours`, which is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from campaigns.calendar.calling_hours import next_opening, next_try, part_of_the_day
from campaigns.calendar.times import zones_of
from campaigns.definition import Definition
from dialer.calls import Outcome

NEVER = math.inf


class HoursCache:
    """When contacts may be called, by the place of their zone in `zones`."""

    def __init__(self, definition: Definition, zones: Sequence[str]) -> None:
        self._definition, self._zones = definition, zones
        self._starts = definition.starts_at.timestamp() if definition.starts_at else 0.0
        self._end = definition.ends_at.timestamp() if definition.ends_at else NEVER
        self._always = definition.windows.always
        self._open = [(0.0, 0.0)] * len(zones)
        self._parts = [(0.0, 0.0, 0)] * len(zones)
        self._moved: dict[tuple[int, int], tuple[float, float, bool]] = {}

    def next_opening(self, zone: int, now: float) -> float:
        """`now` when a contact there may be called now, else when it next may."""
        if self._always and now >= self._starts:
            return now if now < self._end else NEVER
        opens, closes = self._open[zone]
        if not opens <= now < closes:
            opens, closes = self._open[zone] = self._span(zone, now)
        return max(now, opens)

    def _span(self, zone: int, now: float) -> tuple[float, float]:
        """The opening of this zone that `now` is in, or the next: from and until when."""
        opens = next_opening(self._definition, self._zones[zone], _moment(now))
        return (opens.timestamp(), self._closes(zone, opens)) if opens else (NEVER, NEVER)

    def _closes(self, zone: int, opens: datetime) -> float:
        closes = self._definition.windows.closes_at(opens, *zones_of(self._zones[zone]))
        return min(closes.timestamp(), self._end) if closes else self._end

    def in_another_part(self, zone: int, outcome: Outcome, earliest: float, called: float) -> float:
        """When to try again, from `earliest` on, in another part of the day than `called` where there is one.

        From one answer follow those for all moments up to it, and up to where its part of the day or its window ends.
        """
        part = self._part(zone, called)
        since, until, stays = self._moved.get((zone, part), (0.0, 0.0, True))
        if not since <= earliest < until:
            found = next_try(self._definition, self._zones[zone], outcome, _moment(earliest), called_at=_moment(called))
            if found is None:
                return NEVER
            stays, until = found <= _moment(earliest), found.timestamp()
            if stays and part_of_the_day(found, self._zones[zone])[0] != part:
                until = min(self._closes(zone, found), part_of_the_day(found, self._zones[zone])[1].timestamp())
            self._moved[zone, part] = (earliest, until, stays)
        return earliest if stays else until

    def _part(self, zone: int, moment: float) -> int:
        since, until, part = self._parts[zone]
        if not since <= moment < until:
            part, ends = part_of_the_day(_moment(moment), self._zones[zone])
            self._parts[zone] = (moment, ends.timestamp(), part)
        return part


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
