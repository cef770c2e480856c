"""The sandbox's numbers: those it owns, and the reserved ones, whose last two digits decide what happens to a call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

OWN_NUMBERS = frozenset({"+74993720692", "+74951045771", *(f"+180055501{n:02}" for n in range(10))})
"""Caller IDs rented by the sandbox's accounts; the first two stand in a vendor's document."""

RESERVED = re.compile(r"\+1[2-9]\d{2}55501(\d{2})")


class ReservedBehaviour(StrEnum):
    """What becomes of a request to call a number."""

    ANSWERS = "answers"
    HANGS_UP = "hangs_up"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BLACKLISTED = "blacklisted"
    REFUSED = "refused"
    INTERNAL_ERROR = "internal_error"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    CUT_AFTER = "cut_after"
    CUT_BEFORE = "cut_before"
    LATE = "late"
    PRESSES_1 = "presses_1"
    PRESSES_2 = "presses_2"
    PRESSES_9 = "presses_9"
    TO_AGENT = "to_agent"
    DECLINED = "declined"
    FAILS = "fails"
    EXPIRES = "expires"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """One row of the table: what the first request to such a number meets, and what the later ones meet."""

    ending: str
    first: ReservedBehaviour
    then: ReservedBehaviour
    happens: str


def _always(ending: str, behaviour: ReservedBehaviour, happens: str) -> Reserved:
    return Reserved(ending=ending, first=behaviour, then=behaviour, happens=happens)


def _first(ending: str, behaviour: ReservedBehaviour, happens: str) -> Reserved:
    return Reserved(ending=ending, first=behaviour, then=ReservedBehaviour.ANSWERS, happens=happens)


_TABLE = (
    _always("11", ReservedBehaviour.BUSY, "busy"),
    _always("12", ReservedBehaviour.NO_ANSWER, "rings, and nobody answers"),
    _always("13", ReservedBehaviour.REJECTED, "declined while ringing"),
    _first("14", ReservedBehaviour.BUSY, "busy the first time, then answers"),
    _first("15", ReservedBehaviour.NO_ANSWER, "no answer the first time, then answers"),
    _always("16", ReservedBehaviour.BLACKLISTED, "on the vendor's blacklist"),
    _first("17", ReservedBehaviour.INTERNAL_ERROR, "fails the first time, not placed, then answers"),
    _always("18", ReservedBehaviour.REFUSED, "the vendor refuses the number"),
    _always("19", ReservedBehaviour.CUT_AFTER, "placed, then the connection is cut; answers"),
    _always("20", ReservedBehaviour.CUT_BEFORE, "the connection is cut, never placed"),
    _always("21", ReservedBehaviour.LATE, "placed at once, the reply takes a minute; answers"),
    _first("22", ReservedBehaviour.UNAVAILABLE, "unavailable the first time, then answers"),
    _first("23", ReservedBehaviour.THROTTLED, "throttled the first time, then answers"),
    _always("24", ReservedBehaviour.HANGS_UP, "answers, and hangs up before the end of the message"),
    _always("31", ReservedBehaviour.PRESSES_1, "answers, and presses 1"),
    _always("32", ReservedBehaviour.PRESSES_2, "answers, and presses 2"),
    _always("39", ReservedBehaviour.PRESSES_9, "answers, and presses 9"),
    _always("94", ReservedBehaviour.TO_AGENT, "answers, and is put through to an agent"),
    _always("95", ReservedBehaviour.DECLINED, "declined, in the vendor's own code"),
    _always("96", ReservedBehaviour.FAILS, "fails in the network"),
    _always("97", ReservedBehaviour.EXPIRES, "expires at the vendor"),
)
KEYS: Mapping[ReservedBehaviour, str] = {
    ReservedBehaviour.PRESSES_1: "1",
    ReservedBehaviour.PRESSES_2: "2",
    ReservedBehaviour.PRESSES_9: "9",
}
"""What is pressed during a call."""

RESERVED_NUMBERS: Mapping[str, Reserved] = {row.ending: row for row in _TABLE}


def reserved(e164: str) -> Reserved | None:
    """The table's row for a number; None for the numbers that simply answer."""
    match = RESERVED.fullmatch(e164)
    return RESERVED_NUMBERS.get(match[1]) if match else None


def behaviour_of(e164: str, earlier: int = 0) -> ReservedBehaviour:
    """What a request to call this number meets, after so many earlier ones."""
    row = reserved(e164)
    if row is None:
        return ReservedBehaviour.ANSWERS
    return row.then if earlier else row.first
