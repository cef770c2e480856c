"""Holidays, on which nobody is called: by country, by part of a country, or by date."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from campaigns.calendar.times import PLAUSIBLE_YEARS, BadTime


class BadHoliday(BadTime):
    """The text is neither a country with known holidays nor a date."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """Days on which calling is not allowed, from midnight to midnight of the contact's own zone.

    `regions` holds ISO 3166 codes: US for a country, US-CA for a part of it.
    """

    dates: frozenset[date] = frozenset()
    regions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Holidays:
        """Read any number of `US`, `US-CA` and `2026-12-24`. Raises BadHoliday."""
        dates: set[date] = set()
        regions: list[str] = []
        for text in texts:
            if text.strip()[:1].isdigit():
                dates.add(_date(text))
            else:
                regions.append(_region(text))
        return cls(frozenset(dates), tuple(dict.fromkeys(regions)))

    def __bool__(self) -> bool:
        return bool(self.dates or self.regions)

    def __contains__(self, day: date) -> bool:
        return day in self.dates or any(day in _days(region, day.year) for region in self.regions)

    def name(self, day: date) -> str | None:
        """The name of the holiday on this day; None if it is none."""
        if day in self.dates:
            return f"closed on {day.isoformat()}"
        return next((_days(region, day.year)[day] for region in self.regions if day in _days(region, day.year)), None)


def check_holiday(text: str) -> None:
    """Raise BadHoliday unless `Holidays.parse` can read this text."""
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
    country, _, part = text.strip().partition("-")
    country, known = country.upper(), _supported_regions()
    if country not in known or not re.fullmatch(r"[A-Z]{2}", country):
        hint = "write a country's two letters (US, GB, RU), or a date"
        raise BadHoliday(f'no holidays are known for "{text}"', hint)
    parts = {name.casefold(): name for name in known[country]}
    if part and part.casefold() not in parts:
        near = difflib.get_close_matches(part.casefold(), parts, n=1)
        names = ", ".join(known[country]) or "none"
        hint = f"did you mean {country}-{parts[near[0]]}?" if near else f"there are: {names}"
        raise BadHoliday(f'{country} has no part "{part}"', hint)
    return f"{country}-{parts[part.casefold()]}" if part else country


@lru_cache(maxsize=1)
def _supported_regions() -> Mapping[str, list[str]]:
    import holidays  # slow to import, and few campaigns need it

    return holidays.list_supported_countries()


@lru_cache(maxsize=1024)
def _days(region: str, year: int) -> Mapping[date, str]:
    """A year's holidays with their names, as a complete copy: the library's own object changes while it is read."""
    import holidays

    country, _, part = region.partition("-")
    return dict(holidays.country_holidays(country, subdiv=part or None, years=year))
