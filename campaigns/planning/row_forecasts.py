"""What becomes of each row by a plan: one by one, and all of them as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from campaigns.calendar.times import zones_of
from campaigns.calendar.windows import Windows
from campaigns.planning.plan import Plan
from dialer.phone import mask

COLUMNS = ("line", "number", "fate", "at", "local_time", "window", "characters", "seconds", "reason")
TOO_LATE = "its last moment comes before its turn"
OVER_BUDGET = "the campaign's budget is used up before its turn"
NO_POINTS = "a call takes more than the account's points of a day"
MINUTE = 60


class RowForecast(NamedTuple):
    """What becomes of one row: `dial` with its first call's moment and window, or why it gets none."""

    line: int
    number: str
    fate: str
    at: datetime | None = None
    local_time: datetime | None = None
    window: str = ""
    characters: int | None = None
    seconds: float | None = None
    reason: str = ""


def row_forecasts(plan: Plan) -> Iterator[RowForecast]:
    """Every row of the list, in its order."""
    walls = [_Wall(plan.definition.windows, name) for name in plan.rows.people.zones]
    skipped = (RowForecast(line, "", fate, reason=reason) for line, fate, reason in sorted(plan.rows.skipped))
    between = next(skipped, None)
    for place, line in enumerate(plan.rows.lines):
        while between is not None and between.line < line:
            yield between
            between = next(skipped, None)
        yield _fate(plan, place, walls)
    if between is not None:
        yield between
        yield from skipped


def why_over_budget(plan: Plan) -> str:
    """What leaves those who are never called for want of a budget."""
    return OVER_BUDGET if plan.definition.limits else NO_POINTS


def write_row_forecasts(plan: Plan, path: Path) -> int:
    """Write every row's fate as CSV; returns how many rows."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, row_forecasts(plan)))
    return len(plan.rows.lines) + len(plan.rows.skipped)


def _fate(plan: Plan, place: int, walls: list[_Wall]) -> RowForecast:
    rows, moment = plan.rows, plan.replayed.first_at[place]
    line, number = rows.lines[place], mask(f"+{rows.numbers[place]}")
    characters = rows.characters[place] if rows.characters[place] >= 0 else None
    seconds = round(rows.people.seconds[place], 1)
    if not math.isfinite(moment):
        fate, why = ("expires", TOO_LATE) if math.isnan(moment) else ("over budget", why_over_budget(plan))
        return RowForecast(line, number, fate, None, None, "", characters, seconds, why)
    at = datetime.fromtimestamp(moment, UTC)
    local, window = walls[rows.people.zone[place]].shows(at, moment)
    return RowForecast(line, number, "dial", at, local, window, characters, seconds, "")


def _cells(one: RowForecast) -> tuple[object, ...]:
    at = one.at.isoformat(timespec="seconds") if one.at else ""
    local = one.local_time.isoformat(timespec="seconds") if one.local_time else ""
    return (*one[:3], at, local, *one[5:])


class _Wall:
    """The clock on a zone's wall. Rows of one minute share their window, which opens and closes on the minute."""

    def __init__(self, windows: Windows, zones: str) -> None:
        self._windows, self._zone = windows, zones_of(zones)[0]
        self._until, self._rule = -1.0, ""

    def shows(self, at: datetime, moment: float) -> tuple[datetime, str]:
        """The local time, and the hours of the windows that it stands in."""
        local = at.astimezone(self._zone)
        if not self._until - MINUTE <= moment < self._until:
            self._until, self._rule = moment // MINUTE * MINUTE + MINUTE, self._windows.rule_at(local)
        return local, self._rule
