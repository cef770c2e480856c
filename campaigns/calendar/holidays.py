"""Holidays: days on which nobody is called, by country, by part of a country, or by their date."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from campaigns.calendar.times import PLAUSIBLE_YEARS, BadTime


class BadHoliday(BadTime):
    """This is neither a country whose holidays are known nor a date."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days of the contact's own calendar, from midnight to midnight, on which calling is not allowed."""

    dates: frozenset[date] = frozenset()
    regions: tuple[str, ...] = ()  # US, or US-CA for a part of it

    @classmethod
    def parse(cls, written: Iterable[str]) -> Holidays:
        """Read `US`, `US-CA` and `2026-12-24`, any number of them. Raises BadHoliday."""
        dates: set[date] = set()
        regions: list[str] = []
        for one in written:
            if one.strip()[:1].isdigit():
                dates.add(_date(one))
            else:
                regions.append(_region(one))
        return cls(frozenset(dates), tuple(dict.fromkeys(regions)))

    def __bool__(self) -> bool:
        return bool(self.dates or self.regions)

    def __contains__(self, day: date) -> bool:
        return day in self.dates or any(day in _days(region, day.year) for region in self.regions)

    def name(self, day: date) -> str | None:
        """What the day is called; None for a working day."""
        if day in self.dates:
            return f"closed on {day.isoformat()}"
        return next((_days(region, day.year)[day] for region in self.regions if day in _days(region, day.year)), None)


def check_holiday(text: str) -> None:
    """Raises BadHoliday unless this can stand in a list of holidays."""
    Holidays.parse([text])


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise BadHoliday(f'"{text}" is not a date', "write 2026-12-24") from None
    if day.year not in PLAUSIBLE_YEARS:
        raise BadHoliday(f"the year {day.year:04} cannot be meant", "correct the year")
    return day


def _region(text: str) -> str:
    country, _, written = text.strip().partition("-")
    country, known = country.upper(), _supported()
    if country not in known or not re.fullmatch(r"[A-Z]{2}", country):
        hint = "write a country's two letters (US, GB, RU), or a date"
        raise BadHoliday(f'no holidays are known for "{text}"', hint)
    parts = {name.casefold(): name for name in known[country]}
    if written and written.casefold() not in parts:
        near = difflib.get_close_matches(written.casefold(), parts, n=1)
        there = ", ".join(known[country]) or "none"
        hint = f"did you mean {country}-{parts[near[0]]}?" if near else f"there are: {there}"
        raise BadHoliday(f'{country} has no part "{written}"', hint)
    return f"{country}-{parts[written.casefold()]}" if written else country


@lru_cache(maxsize=1)
def _supported() -> Mapping[str, list[str]]:
    import holidays  # takes a while, for something that few campaigns ask for

    return holidays.list_supported_countries()


@lru_cache(maxsize=1024)
def _days(region: str, year: int) -> Mapping[date, str]:
    """A year's holidays, made whole before anybody sees them: the library fills its own while it is being read."""
    import holidays

    country, _, part = region.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year))
