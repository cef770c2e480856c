"""Reads times as people write them: time zones, moments, weekdays, hours of the day."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_PER_DAY = 24 * 60
PLAUSIBLE_YEARS = range(2000, 2200)
CALENDAR_YEARS = range(MINYEAR + 1, MAXYEAR)  # beyond them there is no next day, or no moment in another zone
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
OFFSETS = (timedelta(hours=-12), timedelta(hours=14))  # of all zones
MAYBE_HOURS = re.compile(r"\S+ (\d\d:\d\d)-(\d\d:\d\d)", re.ASCII)

Range = tuple[int, int]  # minutes of the local day: opening, and closing, which is excluded


class BadTime(ValueError):
    """The text is not a valid time; the message says why, `suggestion` what to write instead."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


class BadWindow(BadTime):
    """The text is not a range of weekdays or hours."""


class BadMoment(BadTime):
    """The text is not a date with a time."""


class BadDay(BadTime):
    """The text is not a day, or one at an end of the calendar."""


def parse_moment(text: str) -> datetime:
    """Read a date and time in ISO 8601; the result is naive when the text has no offset. Raises BadMoment."""
    if not MOMENT.fullmatch(text.strip()):
        date_only = re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip())
        reason = "a date without a time" if date_only else "not a date and time in ISO 8601"
        raise BadMoment(reason, "write 2026-12-05T15:00, or 2026-12-05T15:00-05:00 with an offset")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise BadMoment(f"no such date or time: {exc}", "correct the date") from None
    if moment.year not in PLAUSIBLE_YEARS:
        raise BadMoment(f"the year {moment.year:04} cannot be meant", "correct the year")
    reject_hours(text.strip(), moment)
    return moment


def reject_offset(moment: datetime) -> None:
    """Raise BadMoment for an offset that no zone has."""
    offset = moment.utcoffset()
    if offset is not None and not OFFSETS[0] <= offset <= OFFSETS[1]:
        raise BadMoment(f"no clock differs from UTC by {moment:%z}", "write the time alone: 2026-12-05T15:00")


def reject_hours(text: str, moment: datetime) -> None:
    """Raise BadMoment for a text that was read as a moment with an offset and is, or may be, a range of hours."""
    reject_offset(moment)
    hours = MAYBE_HOURS.fullmatch(text)
    if hours and hours[1] < hours[2]:
        reason = f"may mean {hours[1]} to {hours[2]}, or a clock that differs from UTC by -{hours[2]}"
        raise BadMoment(
            reason, "write the time alone, 2026-12-05T15:00, or the offset behind a T, 2026-12-05T15:00-05:00"
        )


def parse_day(text: str) -> date:
    """Read a day in ISO 8601, such as 2026-12-05: the day before and the day after it exist. Raises BadDay."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadDay("not a day", "write it as 2026-12-05") from None
    if not is_in_calendar(day):
        raise BadDay(f"the year {day.year:04} cannot be meant", "correct the year")
    return day


def is_in_calendar(day: date) -> bool:
    """Whether this day, or moment, is so far from the calendar's ends that a day more or another zone leads to none."""
    return day.year in CALENDAR_YEARS


def earliest(local: datetime, *zones: ZoneInfo) -> datetime:
    """The first moment (UTC) that a naive local time can mean, in any of these zones before or after a clock change."""
    return min(_meanings(local, zones))


def latest(local: datetime, *zones: ZoneInfo) -> datetime:
    """The last moment (UTC) that a naive local time can mean; see `earliest`."""
    return max(_meanings(local, zones))


def _meanings(local: datetime, zones: Iterable[ZoneInfo]) -> list[datetime]:
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for zone in zones for fold in (0, 1)]


def parse_weekdays(text: str) -> tuple[int, ...]:
    """Read `mon`, `mon-fri`, `fri-mon` or `sat,sun`; returns weekday numbers, Monday is 0. Raises BadWindow."""
    days: list[int] = []
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        start = _weekday(first)
        end = _weekday(last) if dash else start
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return tuple(days)


def _weekday(text: str) -> int:
    name = text.strip()
    for names in (WEEKDAYS, FULL_NAMES):
        if name in names:
            return names.index(name)
    near = difflib.get_close_matches(name, WEEKDAYS, n=1) or difflib.get_close_matches(name, FULL_NAMES, n=1)
    hint = f"did you mean {near[0]}?" if near else "write mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri"
    raise BadWindow(f'"{name}" is not a weekday', hint)


def parse_hours(text: str) -> Range:
    """Read `09:00-12:30` as minutes of the day; a range across midnight closes after 24:00. Raises BadWindow."""
    match = re.fullmatch(r"\s*(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)\s*", text, re.ASCII)
    if not match:
        raise BadWindow(f'"{text}" is not a range of hours', 'write "09:00-12:30"')
    opens, closes = (_minute(match[hour], match[hour + 1]) for hour in (1, 3))
    if opens == closes:
        raise BadWindow(f'"{text}" opens and closes at the same minute', 'for the whole day write "00:00-24:00"')
    if opens == MINUTES_PER_DAY:
        raise BadWindow(f'"{text}" opens at the end of the day', 'write 00:00 for midnight at the start: "00:00-06:00"')
    return (opens, closes) if opens < closes else (opens, closes + MINUTES_PER_DAY)


def _minute(hours: str, minutes: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES_PER_DAY:
        raise BadWindow(f"{hours}:{minutes} is not a time of day", "times run from 00:00 to 24:00")
    return minute
