"""The fields for hours and holidays of single countries, beside those that hold for all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaigns.definition.sections.schedule import Schedule
from console.pages.language import gettext
from console.pages.new_campaign.rows import rows_of, typed_rows

COUNTRY, HOURS, HOLIDAYS = ROW = ("country-code", "country-hours", "country-holidays")
NONE = "-"  # typed for: no day is a holiday there
KEY = "schedule.by_country"


def fields(typed: Mapping[str, str]) -> dict[str, str]:
    """The form's fields by the keys of a campaign file, those of each country at its own row."""
    by_key = {KEY: f"{COUNTRY}-0"}
    for place, (country, _, _) in rows_of(typed, *ROW):
        of_country = f"{KEY}.{country.upper()}"
        by_key |= {of_country: f"{COUNTRY}-{place}", f"{of_country}.windows": f"{HOURS}-{place}"}
        by_key |= {f"{of_country}.holidays": f"{HOLIDAYS}-{place}"}
    return by_key


def faults(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the rows themselves, by field."""
    found, seen = dict[str, str](), set[str]()
    for place, (country, hours, holidays) in rows_of(typed, *ROW):
        if not country:
            found[f"{COUNTRY}-{place}"] = gettext("write the country, by two letters: CA")
        elif not (hours or holidays):
            found[f"{HOURS}-{place}"] = gettext("write its hours, or its holidays, or leave the country out")
        elif country.upper() in seen:
            found[f"{COUNTRY}-{place}"] = gettext("this country has a row of its own above")
        seen.add(country.upper())
    return found


def meant(typed: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """What the form says, as `schedule.by_country` has it."""
    return {country.upper(): _own(hours, holidays) for _, (country, hours, holidays) in rows_of(typed, *ROW)}


def written(schedule: Schedule) -> dict[str, str]:
    """The draft's countries as they stand in the form."""
    rows = []
    for country, own in schedule.by_country.items():
        hours = "; ".join(f"{days} {', '.join(spans)}" for days, spans in (own.windows or {}).items())
        holidays = "" if own.holidays is None else ", ".join(own.holidays) or NONE
        rows.append({COUNTRY: country, HOURS: hours, HOLIDAYS: holidays})
    return typed_rows(rows)


def _own(hours: str, holidays: str) -> dict[str, object]:
    days = dict(_day(part) for part in hours.split(";") if part.strip())
    own: dict[str, object] = {"windows": days} if days else {}
    return own | ({"holidays": [] if holidays == NONE else _parts(holidays)} if holidays else {})


def _day(part: str) -> tuple[str, Sequence[str]]:
    """A weekday, or several, and the hours behind it: `mon-fri 09:00-12:30, 13:00-20:00`."""
    day, _, spans = part.strip().partition(" ")
    return day.rstrip(":"), _parts(spans)


def _parts(typed: str) -> list[str]:
    return [part.strip() for part in typed.split(",") if part.strip()]
