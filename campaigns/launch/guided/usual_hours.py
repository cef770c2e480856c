"""Hours at which people of a country are usually called: what is proposed, to be confirmed; no word on any law."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.calendar.holidays import BadHoliday, check_holiday

Hours = Mapping[str, str | list[str]]

USUAL: Hours = {"mon-fri": "09:00-19:00", "sat": "10:00-16:00"}
BY_COUNTRY: Mapping[str, Hours] = {
    "US": {"mon-fri": "09:00-20:00", "sat": "10:00-17:00"},
    "CA": {"mon-fri": "09:30-20:00", "sat": "10:00-17:00"},
    "GB": {"mon-fri": "09:00-20:00", "sat": "10:00-17:00"},
    "ES": {"mon-fri": "09:30-20:30", "sat": "10:00-14:00"},
    "FR": {"mon-fri": ["10:00-13:00", "14:00-19:30"]},
    "RU": {"mon-fri": "09:00-20:00", "sat": "10:00-18:00"},
    "IN": {"mon-sat": "10:00-19:00"},
}


def usual_hours(country: str | None) -> Hours:
    """Calling hours by weekday, as `schedule.windows` has them."""
    return BY_COUNTRY.get(country or "", USUAL)


def usual_holidays(country: str | None) -> list[str]:
    """The country's holidays, as `schedule.holidays` has them; none where they are not known."""
    try:
        check_holiday(country or "")
    except BadHoliday:
        return []
    return [country] if country else []
