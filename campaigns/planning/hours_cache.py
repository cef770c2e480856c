"""A cache over `campaigns.calendar.calling_hours` for simulations: one computation per zone and opening, not per call.

All moments are Unix seconds; zones are indexes into the list given to `HoursCache`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from campaigns.calendar.calling_hours import next_opening, next_try, part_of_day
from campaigns.calendar.zones import zones_of
from campaigns.definition import Definition
from dialer.calls import Outcome

NEVER = math.inf


class HoursCache:
    """Answers as `next_opening` and `next_try` of `calling_hours` do, whatever was asked before."""

    def __init__(self, definition: Definition, zones: Sequence[str]) -> None:
        """`zones` are written as the ledger keeps them: one zone, or all those that a contact may be in."""
        self._definition, self._zones = definition, zones
        self._starts = definition.starts_at.timestamp() if definition.starts_at else 0.0
        self._end = definition.ends_at.timestamp() if definition.ends_at else NEVER
        self._always = definition.windows.always_open
        self._openings = [(0.0, 0.0)] * len(zones)  # from, until
        self._parts = [(0.0, 0.0, 0)] * len(zones)  # from, until, part of the day
        self._next_tries: dict[tuple[int, int], tuple[float, float, bool]] = {}  # asked from, until, is at once

    def next_opening(self, zone: int, now: float) -> float:
        """`now` when contacts in this zone may be called now, else the next moment when they may, or NEVER."""
        if self._always and now >= self._starts:
            return now if now < self._end else NEVER
        opens, closes = self._openings[zone]
        if not opens <= now < closes:
            opens, closes = self._openings[zone] = self._opening_at(zone, now)
        return max(now, opens)

    def _opening_at(self, zone: int, now: float) -> tuple[float, float]:
        """Beginning and end of the opening that `now` is in, or of the next one."""
        opens = next_opening(self._definition, self._zones[zone], _datetime(now))
        return (opens.timestamp(), self._closes(zone, opens)) if opens else (NEVER, NEVER)

    def _closes(self, zone: int, opens: datetime) -> float:
        closes = self._definition.windows.closes_at(opens, *zones_of(self._zones[zone]))
        return min(closes.timestamp(), self._end) if closes else self._end

    def next_try(self, zone: int, outcome: Outcome, earliest: float, called: float) -> float:
        """When to retry, from `earliest` on, in another part of the day than `called` where there is one, or NEVER.

        One answer holds for every later `earliest` up to the retry, and up to the end of its window and part of the
        day where the retry is possible at once.
        """
        part = self._part_of_the_day(zone, called)
        asked_from, until, at_once = self._next_tries.get((zone, part), (0.0, 0.0, True))
        if not asked_from <= earliest < until:
            retry = next_try(
                self._definition, self._zones[zone], outcome, _datetime(earliest), called_at=_datetime(called)
            )
            if retry is None:
                return NEVER
            at_once, until = retry <= _datetime(earliest), retry.timestamp()
            if at_once and part_of_day(retry, self._zones[zone])[0] != part:
                until = min(self._closes(zone, retry), part_of_day(retry, self._zones[zone])[1].timestamp())
            self._next_tries[zone, part] = (earliest, until, at_once)
        return earliest if at_once else until

    def _part_of_the_day(self, zone: int, moment: float) -> int:
        begins, until, part = self._parts[zone]
        if not begins <= moment < until:
            part, ends = part_of_day(_datetime(moment), self._zones[zone])
            self._parts[zone] = (moment, ends.timestamp(), part)
        return part


def _datetime(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
