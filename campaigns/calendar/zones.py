"""Time zones by their IANA names: which are accepted, and which a contact may be in."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from campaigns.calendar.times import BadTime

OFFSET = re.compile(r"(UTC|GMT|Z)? ?[+-] ?\d{1,2}(:?\d\d)?", re.ASCII)
FIXED_OFFSET_ZONES = {"EST": ("America/New_York", "America/Panama"), "MST": ("America/Denver", "America/Phoenix")}


class BadZone(BadTime):
    """There is no such time zone; `suggestion` gives the most similar name."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone that a campaign may name, without those that depend on the machine or have no summer time."""
    return frozenset(available_timezones()) - {"Factory", "localtime"} - FIXED_OFFSET_ZONES.keys()


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises BadZone, with a suggestion, when there is none."""
    if name in zone_names():
        return ZoneInfo(name)
    if (code := name.strip().upper()) in FIXED_OFFSET_ZONES:
        zone, winter_zone = FIXED_OFFSET_ZONES[code]
        hint = f"write {zone}, or {winter_zone} where winter time holds all year"
        raise BadZone(f"{code} knows no summer time", hint)
    if OFFSET.fullmatch(code):
        raise BadZone("this is an offset, which knows no summer time", "write an IANA name such as America/New_York")
    by_folded = {known.casefold().replace(" ", "_"): known for known in zone_names()}
    near = difflib.get_close_matches(name.strip().casefold().replace(" ", "_"), by_folded, n=1, cutoff=0.7)
    hint = f"did you mean {by_folded[near[0]]}?" if near else "write an IANA name such as America/New_York"
    raise BadZone("there is no time zone of this name", hint)


@lru_cache(maxsize=4096)
def zones_of(names: str) -> tuple[ZoneInfo, ...]:
    """The zones that a contact may be in, from the text that the ledger stores: one name, or several with commas."""
    return tuple(ZoneInfo(name) for name in names.split(","))
