"""Calling windows: on which weekdays and between which hours, in the contact's local time, calling is allowed.

Windows follow the local clock through changes of summer time: hours that are skipped never come, and hours that occur
twice are open both times. A contact that may be in one of several zones is called only when all of them allow it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.calendar.holidays import Holidays
from campaigns.calendar.times import MINUTES_PER_DAY, WEEKDAYS, Range, parse_hours, parse_weekdays
from campaigns.calendar.zones import country_of

NO_HOLIDAYS = Holidays()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BLOCK = timedelta(days=32)
HORIZON_BLOCKS = 14  # more than a year: a window that has not opened by then never opens
ORDINARY_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Windows:
    """When calling is allowed: the local hours of each weekday, Monday first, and never on holidays.

    Without `days` any hour is allowed. Methods take an aware `now` (ValueError if naive) and the zones that the contact
    may be in, and return moments in UTC. In a zone of one of `countries` the windows hold that stand with it there.
    """

    days: tuple[tuple[Range, ...], ...] = ()
    holidays: Holidays = NO_HOLIDAYS
    countries: tuple[tuple[str, Windows], ...] = ()

    @classmethod
    def parse(cls, windows: Mapping[str, Iterable[str]], holidays: Iterable[str] = ()) -> Windows:
        """Read windows as the campaign file has them: weekdays to hours. Raises BadWindow, BadHoliday."""
        days: list[list[Range]] = [[] for _ in WEEKDAYS]
        for names, spans in windows.items():
            hours = [parse_hours(span) for span in spans]
            for day in parse_weekdays(names):
                for opens, closes in hours:
                    days[day].append((opens, min(closes, MINUTES_PER_DAY)))
                    if closes > MINUTES_PER_DAY:
                        days[(day + 1) % 7].append((0, closes - MINUTES_PER_DAY))
        return cls(tuple(_merged(ranges) for ranges in days) if windows else (), Holidays.parse(holidays))

    @property
    def always_open(self) -> bool:
        """Whether calling is allowed at any time."""
        return not (self.days or self.holidays or self.countries)

    def of(self, zone: tzinfo | None) -> Windows:
        """The windows that hold in this zone: those of its country, where it has its own."""
        if not self.countries or not isinstance(zone, ZoneInfo):
            return self
        country = country_of(zone.key)
        return next((windows for code, windows in self.countries if code == country), self)

    def is_open(self, now: datetime, *zones: ZoneInfo) -> bool:
        """Whether calling is allowed at `now` in all these zones."""
        _aware(now)
        return self.always_open or all(self._covers(now.astimezone(zone)) for zone in zones)

    def next_open(self, now: datetime, *zones: ZoneInfo) -> datetime | None:
        """The first moment from `now` on at which calling is allowed; None if there is none."""
        now = _aware(now).astimezone(UTC)
        if self.always_open:
            return now
        block = (now - EPOCH) // BLOCK
        for ahead in range(HORIZON_BLOCKS):
            opens, closes = _spans(self, zones, block + ahead)
            index = bisect_right(closes, now)
            if index < len(opens):
                return max(opens[index], now)
        return None

    def closes_at(self, now: datetime, *zones: ZoneInfo) -> datetime | None:
        """When the window that is open at `now` closes; None if none is open, or it never closes."""
        if self.always_open or not self.is_open(now, *zones):
            return None
        block = (now - EPOCH) // BLOCK
        for ahead in range(HORIZON_BLOCKS):
            opens, closes = _spans(self, zones, block + ahead)
            index = bisect_right(closes, now)
            if index >= len(opens) or opens[index] > now:
                return now.astimezone(UTC)
            now = closes[index]
            if now < _begins(block + ahead + 1):
                return now
        return None

    def ever_open(self, *zones: ZoneInfo) -> bool:
        """Whether any hour of a week is open in all of these zones at once. Holidays are ignored."""
        return self._on_holidays_too().next_open(ORDINARY_YEAR, *zones) is not None

    def _on_holidays_too(self) -> Windows:
        countries = tuple((code, windows._on_holidays_too()) for code, windows in self.countries)
        return replace(self, holidays=NO_HOLIDAYS, countries=countries)

    def holiday(self, now: datetime, *zones: ZoneInfo) -> str | None:
        """The name of the holiday at `now` in the first of these zones that has one; None if none has."""
        names = (self.of(zone).holidays.name(now.astimezone(zone).date()) for zone in zones)
        return next((name for name in names if name), None)

    def rule_at(self, local: datetime) -> str:
        """The window that contains a local time, as a text for people such as `mon 09:00-12:30`."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        days = self.of(local.tzinfo).days
        spans = days[day] if days else ((0, MINUTES_PER_DAY),)
        opens, closes = next(((opens, closes) for opens, closes in spans if opens <= minute < closes), (0, 0))
        if (opens, closes) == (0, 0):
            return "outside the windows"
        if not days:
            return "any hour"
        return f"{WEEKDAYS[day]} {opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"

    def _covers(self, local: datetime) -> bool:
        windows = self.of(local.tzinfo)
        if windows.holidays and local.date() in windows.holidays:
            return False
        minute = local.hour * 60 + local.minute
        return not windows.days or any(opens <= minute < closes for opens, closes in windows.days[local.weekday()])

    def edges(self, begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Every moment between these at which the result of `is_open` may change; may repeat, in no order."""
        windows = self.of(zone)
        midnights = {0} if windows.holidays else set()
        first = begin.astimezone(zone).date() - timedelta(days=1)
        for ahead in range((end - begin).days + 4):
            day = first + timedelta(days=ahead)
            hours = windows.days[day.weekday()] if windows.days else ()
            for minute in midnights.union(*hours):
                yield from (moment for moment in _moments(day, minute, zone) if begin < moment < end)
        yield from _jumps(begin, end, zone)


def _aware(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError("`now` must be aware: a time without a zone is nobody's time")
    return now


def _begins(block: int) -> datetime:
    """When a block of days begins; blocks are counted from the epoch, and are the unit in which spans are cached."""
    return EPOCH + block * BLOCK


@lru_cache(maxsize=4096)
def _spans(
    windows: Windows, zones: tuple[ZoneInfo, ...], block: int
) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
    """The moments at which the windows open, and those at which they close, within a block; equally many."""
    begin, end = _begins(block), _begins(block + 1)
    edges = sorted({begin, *(edge for zone in zones for edge in windows.edges(begin, end, zone))})
    opens: list[datetime] = []
    closes: list[datetime] = []
    for edge in edges:
        is_open = windows.is_open(edge, *zones)
        if is_open and len(opens) == len(closes):
            opens.append(edge)
        elif not is_open and len(opens) > len(closes):
            closes.append(edge)
    if len(opens) > len(closes):
        closes.append(end)
    return tuple(opens), tuple(closes)


def _merged(ranges: list[Range]) -> tuple[Range, ...]:
    """The ranges in order, those that overlap or touch joined."""
    merged: list[Range] = []
    for opens, closes in sorted(ranges):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def _moments(day: date, minute: int, zone: ZoneInfo) -> Iterator[datetime]:
    """When the local clock shows that minute of that day: twice if the clock is set back then."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    yield local.astimezone(UTC)
    yield local.replace(fold=1).astimezone(UTC)


def _jumps(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments between these, to the second, at which the zone's offset changes."""
    while begin < end:
        low, high = begin, begin + timedelta(days=1)
        begin = high
        before = _offset(low, zone)
        if before == _offset(high, zone):
            continue
        while (seconds := int((high - low).total_seconds())) > 1:
            middle = low + timedelta(seconds=seconds // 2)
            low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
        yield high


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
