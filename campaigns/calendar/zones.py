"""Time zones by their IANA names: which are accepted, and which a contact may be in."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from campaigns.calendar.times import BadTime

OFFSET = re.compile(r"(UTC|GMT|Z)? ?[+-] ?\d{1,2}(:?\d\d)?", re.ASCII)
ETC = re.compile(r"ETC/GMT([+-](?:[1-9]|1[0-4]))", re.ASCII)
WITHOUT_SUMMER_TIME = (  # well-known zones, from UTC-11 to UTC+14
    *("Pacific/Pago_Pago", "Pacific/Honolulu", "Pacific/Gambier", "Pacific/Pitcairn", "America/Phoenix"),
    *("America/Costa_Rica", "America/Lima", "America/La_Paz", "America/Sao_Paulo", "America/Noronha"),
    *("Atlantic/Cape_Verde", "Africa/Abidjan", "Africa/Lagos", "Africa/Johannesburg", "Europe/Moscow", "Asia/Dubai"),
    *("Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok", "Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane"),
    *("Pacific/Noumea", "Pacific/Fiji", "Pacific/Tongatapu", "Pacific/Kiritimati"),
)
PLACES = dict(enumerate(WITHOUT_SUMMER_TIME, start=-11))
ABBREVIATIONS = {  # the zone with summer time that each may stand for, and one with winter time all year
    **{"EST": ("America/New_York", "America/Panama"), "EST5EDT": ("America/New_York", "America/Panama")},
    **{"CST": ("America/Chicago", "America/Costa_Rica"), "CST6CDT": ("America/Chicago", "America/Costa_Rica")},
    **{"MST": ("America/Denver", "America/Phoenix"), "MST7MDT": ("America/Denver", "America/Phoenix")},
    **{"PST": ("America/Los_Angeles", "Pacific/Pitcairn"), "PST8PDT": ("America/Los_Angeles", "Pacific/Pitcairn")},
    **{"HST": ("America/Adak", "Pacific/Honolulu"), "WET": ("Europe/Lisbon", "Africa/Abidjan")},
    **{"CET": ("Europe/Berlin", "Africa/Algiers"), "MET": ("Europe/Berlin", "Africa/Algiers")},
    **{"EET": ("Europe/Athens", "Africa/Tripoli")},
}


class BadZone(BadTime):
    """There is no such time zone; `suggestion` gives the most similar name."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone that a campaign may name.

    Not those that depend on the machine, fixed offsets (their sign is the reverse of what people read), and
    abbreviations (whose summer time nobody can be sure of).
    """
    names = frozenset(available_timezones()) - {"Factory", "localtime"} - ABBREVIATIONS.keys()
    return frozenset(name for name in names if not ETC.fullmatch(name.upper()))


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises BadZone, with a suggestion, when there is none."""
    if name in zone_names():
        return ZoneInfo(name)
    if (code := name.strip().upper()) in ABBREVIATIONS:
        zone, winter_zone = ABBREVIATIONS[code]
        hint = f"write {zone}, or {winter_zone} where winter time holds all year"
        raise BadZone(f"{code} is an abbreviation, which does not say whether there is summer time", hint)
    if etc := ETC.fullmatch(code):
        raise _fixed_offset(name.strip(), -int(etc[1]))
    if OFFSET.fullmatch(code):
        raise BadZone("this is an offset, which knows no summer time", "write an IANA name such as America/New_York")
    by_folded = {known.casefold().replace(" ", "_"): known for known in zone_names()}
    near = difflib.get_close_matches(name.strip().casefold().replace(" ", "_"), by_folded, n=1, cutoff=0.7)
    hint = f"did you mean {by_folded[near[0]]}?" if near else "write an IANA name such as America/New_York"
    raise BadZone("there is no time zone of this name", hint)


def _fixed_offset(code: str, offset: int) -> BadZone:
    """The error for `Etc/GMT+3`, which is UTC-3 by its definition, and UTC+3 to most people who write it."""
    places = [f"{PLACES[hours]} for UTC{hours:+}" for hours in (offset, -offset) if hours in PLACES]
    return BadZone(f"{code} is UTC{offset:+}, the reverse of its sign", f"write {' or '.join(places)}")


@lru_cache(maxsize=4096)
def zones_of(names: str) -> tuple[ZoneInfo, ...]:
    """The zones that a contact may be in, from the text that the ledger stores: one name, or several with commas."""
    return tuple(ZoneInfo(name) for name in names.split(","))


@lru_cache(maxsize=4096)
def country_of(zone: str) -> str | None:
    """The country (two letters) in which a zone is; None for zones of the sea and of no place."""
    from babel.core import get_global  # few campaigns have hours by country, and most commands need nothing else of it

    known_as: str = get_global("zone_aliases").get(zone, zone)
    country: str | None = get_global("zone_territories").get(known_as)
    return country
