"""What a plan expects of each row of the list: one by one, and all of them as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from campaigns.audience.formulas import harmless
from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import zones_of
from campaigns.planning.plan import Plan
from dialer.phone import mask
from dialer.whole_file import whole_file

COLUMNS = ("line", "number", "fate", "at", "local_time", "window", "characters", "seconds", "reason")
TOO_LATE = "its last moment comes before its turn"
OVER_BUDGET = "the campaign's budget is used up before its turn"
LEFT_OUT = "left out"
NO_POINTS = "a call takes more than the account's points of a day"
MINUTE = 60


class RowForecast(NamedTuple):
    """What is expected of one row; the names are those of the CSV and the JSON.

    `fate` is `dial`, with moment and window of the first call, or says why there is none: `expires`, `over budget`,
    `suppressed`, `left out` (also of one of several reminders), `rejected`. `number` is masked, and blank for rows that
    are skipped. `seconds` is the length of the message.
    """

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
    """Every row of the list, in the order of its lines."""
    clocks = [_ZoneClock(plan.definition.windows, zones) for zones in plan.rows.contacts.zones]
    untold = [(line, LEFT_OUT, reason) for line, reason in plan.rows.untold]
    uncalled = sorted([*plan.rows.skipped, *untold], key=itemgetter(0))
    skipped = (RowForecast(line, "", fate, reason=reason) for line, fate, reason in uncalled)
    next_skipped = next(skipped, None)
    for index, line in enumerate(plan.rows.lines):
        while next_skipped is not None and next_skipped.line < line:
            yield next_skipped
            next_skipped = next(skipped, None)
        yield _forecast(plan, index, clocks)
    if next_skipped is not None:
        yield next_skipped
        yield from skipped


def why_over_budget(plan: Plan) -> str:
    """The reason for rows whose fate is `over budget`."""
    return OVER_BUDGET if plan.definition.limits else NO_POINTS


def write_row_forecasts(plan: Plan, path: Path) -> int:
    """Write every row as CSV; returns the number of rows. Raises OSError."""
    with whole_file(path, encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(map(_cells, row_forecasts(plan)))
    return len(plan.rows.lines) + len(plan.rows.skipped) + len(plan.rows.untold)


def _forecast(plan: Plan, index: int, clocks: list[_ZoneClock]) -> RowForecast:
    rows, moment = plan.rows, plan.first_run.first_at[index]
    line, number = rows.lines[index], mask(f"+{rows.numbers[index]}")
    characters = rows.characters[index] if rows.characters[index] >= 0 else None
    seconds = round(rows.contacts.message_seconds[index], 1)
    if not math.isfinite(moment):
        fate, reason = ("expires", TOO_LATE) if math.isnan(moment) else ("over budget", why_over_budget(plan))
        return RowForecast(line, number, fate, None, None, "", characters, seconds, reason)
    at = datetime.fromtimestamp(moment, UTC)
    local_time, window = clocks[rows.contacts.zone[index]].local_time_and_window(at, moment)
    return RowForecast(line, number, "dial", at, local_time, window, characters, seconds, "")


def _cells(row: RowForecast) -> tuple[object, ...]:
    at = row.at.isoformat(timespec="seconds") if row.at else ""
    local_time = row.local_time.isoformat(timespec="seconds") if row.local_time else ""
    return (*row[:3], at, local_time, harmless(row.window), *row[6:-1], harmless(row.reason))


class _ZoneClock:
    """Local time and window of a zone. Windows open and close on the minute, so the last minute's window is kept."""

    def __init__(self, windows: Windows, zones: str) -> None:
        self._windows, self._zone = windows, zones_of(zones)[0]
        self._until, self._window = -1.0, ""

    def local_time_and_window(self, at: datetime, moment: float) -> tuple[datetime, str]:
        """The local time at this moment, and the hours of the window that it is in."""
        local_time = at.astimezone(self._zone)
        if not self._until - MINUTE <= moment < self._until:
            self._until = moment // MINUTE * MINUTE + MINUTE
            self._window = self._windows.rule_at(local_time)
        return local_time, self._window
