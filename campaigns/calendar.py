"""Calling windows: on which weekdays, between which hours of the contact's own clock, calling is allowed.

A window is a rule about the clock on the contact's wall. Where that clock jumps, the rule goes with it: hours that a
change to summer time leaves out never come, and hours that are shown twice count both times.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = 24 * 60
HORIZON_DAYS = 15  # a weekly window that a clock change swallows once comes again a week later
YEARS = range(2000, 2200)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)

Range = tuple[int, int]  # minutes of the local day: opens at, closes before


class BadTime(ValueError):
    """What was written is not the time it should be; the message says why, `suggestion` what to write."""

    def __init__(self, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.suggestion = suggestion


class BadWindow(BadTime):
    """These are not weekdays or hours."""


class BadZone(BadTime):
    """There is no such time zone; `suggestion` names the nearest there is."""


class BadMoment(BadTime):
    """This is not a date with a time."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone that can be named: those that mean the same on every machine."""
    return frozenset(available_timezones()) - {"Factory", "localtime"}


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises BadZone, with the nearest names, when there is none."""
    if name in zone_names():
        return ZoneInfo(name)
    by_folded = {known.casefold().replace(" ", "_"): known for known in zone_names()}
    near = difflib.get_close_matches(name.strip().casefold().replace(" ", "_"), by_folded, n=1, cutoff=0.7)
    hint = f"did you mean {by_folded[near[0]]}?" if near else "write an IANA name such as America/New_York"
    raise BadZone("there is no time zone of this name", hint)


def parse_moment(text: str) -> datetime:
    """Read a date and time in ISO 8601; naive where no offset is written. Raises BadMoment."""
    if not MOMENT.fullmatch(text.strip()):
        date_only = re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip())
        reason = "a date without a time" if date_only else "not a date and time in ISO 8601"
        raise BadMoment(reason, "write 2026-12-05T15:00, or 2026-12-05T15:00-05:00 with an offset")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise BadMoment(f"no such date or time: {exc}", "correct the date") from None
    if moment.year not in YEARS:
        raise BadMoment(f"the year {moment.year:04} cannot be meant", "correct the year")
    return moment


def earliest(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment (aware, UTC) that a naive time can mean where clocks are changed."""
    return min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def parse_weekdays(text: str) -> tuple[int, ...]:
    """Read `mon`, `mon-fri`, `fri-mon` or `sat,sun`: the days as numbers, Monday 0. Raises BadWindow."""
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
    """Read `09:00-12:30` as minutes of a day; hours across midnight close after 24:00. Raises BadWindow."""
    found = re.fullmatch(r"\s*(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)\s*", text, re.ASCII)
    if not found:
        raise BadWindow(f'"{text}" is not a range of hours', 'write "09:00-12:30"')
    opens, closes = (_minute(found[hour], found[hour + 1]) for hour in (1, 3))
    if opens == closes:
        raise BadWindow(f'"{text}" opens and closes at the same minute', 'for the whole day write "00:00-24:00"')
    if opens == DAY:
        raise BadWindow(f'"{text}" opens at the end of the day', 'write 00:00 for midnight at the start: "00:00-06:00"')
    return (opens, closes) if opens < closes else (opens, closes + DAY)


def _minute(hours: str, minutes: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > DAY:
        raise BadWindow(f"{hours}:{minutes} is not a time of day", "times run from 00:00 to 24:00")
    return minute


@dataclass(frozen=True, slots=True)
class Windows:
    """When calling is allowed: for each weekday, Monday first, the local hours; no days at all means any time.

    Ask with an aware `now` and the contact's zone. Answers are aware, in UTC.
    """

    days: tuple[tuple[Range, ...], ...] = ()

    @classmethod
    def parse(cls, written: Mapping[str, Iterable[str]]) -> Windows:
        """Read windows as a campaign file holds them. Raises BadWindow."""
        days: list[list[Range]] = [[] for _ in WEEKDAYS]
        for names, spans in written.items():
            hours = [parse_hours(span) for span in spans]
            for day in parse_weekdays(names):
                for opens, closes in hours:
                    days[day].append((opens, min(closes, DAY)))
                    if closes > DAY:
                        days[(day + 1) % 7].append((0, closes - DAY))
        return cls(tuple(_merged(ranges) for ranges in days)) if written else cls()

    def is_open(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether calling is allowed at `now` where the contact is."""
        return not self.days or self._covers(_aware(now).astimezone(zone))

    def next_open(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment, from `now` on, at which calling is allowed; None if it never comes."""
        if self.is_open(now, zone):
            return now.astimezone(UTC)
        return min((edge for edge in self._edges(now, zone) if self.is_open(edge, zone)), default=None)

    def closes_at(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """The moment at which the window open at `now` closes; None if it is closed, or never closes."""
        if not self.days or not self.is_open(now, zone):
            return None
        return min((edge for edge in self._edges(now, zone) if not self.is_open(edge, zone)), default=None)

    def _covers(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return any(opens <= minute < closes for opens, closes in self.days[local.weekday()])

    def _edges(self, now: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every moment after `now`, within the horizon, at which the answer of `is_open` may change."""
        first = now.astimezone(zone).date()
        for ahead in range(-1, HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead)
            for minute in {minute for span in self.days[day.weekday()] for minute in span}:
                yield from (moment for moment in _moments(day, minute, zone) if moment > now)
        yield from _jumps(now.astimezone(UTC), zone)


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("`now` must be aware: a time without a zone is nobody's time")
    return now


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for opens, closes in sorted(ranges):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def _moments(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """When the wall clock shows that minute of that day: once, or twice where it is set back."""
    wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    yield wall.astimezone(UTC)
    yield wall.replace(fold=1).astimezone(UTC)


def _jumps(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments, within the horizon, at which the zone's clocks are set forward or back."""
    start = start.replace(microsecond=0)
    for ahead in range(HORIZON_DAYS):
        low, high = start + timedelta(days=ahead), start + timedelta(days=ahead + 1)
        before = _offset(low, zone)
        if before == _offset(high, zone):
            continue
        while (apart := int((high - low).total_seconds())) > 1:
            middle = low + timedelta(seconds=apart // 2)
            low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
        yield high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
