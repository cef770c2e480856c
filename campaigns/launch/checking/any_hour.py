"""Warns of a campaign without calling hours: whom it would wake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from campaigns.calendar.zones import zones_of
from campaigns.definition import Definition

DAY_BEGINS, DAY_ENDS = time(8), time(21)
TO_SET_HOURS = (
    'write schedule: {zone: America/New_York, windows: {mon-fri: "09:00-20:00"}}; '
    'to call at any hour on purpose, windows: {mon-sun: "00:00-24:00"}'
)
NO_HOURS = "no calling hours are set (schedule.windows), so people are called at any hour, also of the night"


def any_hour_warning(definition: Definition, zones: Mapping[str, int], now: datetime) -> str:
    """What the lack of calling hours means for contacts in these zones, each with their number; blank if it has some.

    Zones are written as the ledger has them, blank where a contact's is not known.
    """
    if definition.windows.days:
        return ""
    begins = max(now, definition.starts_at or now)
    asleep = {zone: at for zone in zones if zone and (at := _hour_of_night(zone, begins)) is not None}
    if not asleep:
        return f"{NO_HOURS}; {TO_SET_HOURS}"
    people = sum(zones[zone] for zone in asleep)
    largest = max(asleep, key=lambda zone: zones[zone])
    when = "if it started now" if begins == now else "at its start"
    called_at = f"would be called at {asleep[largest]:%H:%M} their time or the like {when}"
    return f"{NO_HOURS}: {people:,} of {sum(zones.values()):,} {called_at}; {TO_SET_HOURS}"


def _hour_of_night(zone: str, moment: datetime) -> time | None:
    """What the clock shows there, if it is night in one of the zones in which the contact may be."""
    clocks = (moment.astimezone(place).time() for place in zones_of(zone))
    return next((clock for clock in clocks if not DAY_BEGINS <= clock < DAY_ENDS), None)
