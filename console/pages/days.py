"""Days as they are typed into a form, by UTC's calendar; what is wrong with one is a fault of its field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from campaigns.calendar.times import BadDay, parse_day
from console.pages.language import gettext

A_DAY = timedelta(days=1)
SINCE, UNTIL = "since", "until"  # fields


def typed_day(field: str, typed: str, faults: dict[str, str]) -> datetime | None:
    """When the day begins that was typed into this field; None for a blank, and with a fault for what is no day."""
    if not typed:
        return None
    try:
        return datetime.combine(parse_day(typed), time(), UTC)
    except BadDay:
        faults[field] = gettext("write a day as 2027-01-31")
        return None


def typed_span(typed: Mapping[str, str], faults: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """From when to when the days `since` to `until` last, the last one included; None where one is blank."""
    first, last = (typed_day(name, typed[name], faults) for name in (SINCE, UNTIL))
    if first and last and last < first:
        faults[UNTIL] = gettext("the last day comes before the first")
    return first, last and last + A_DAY
