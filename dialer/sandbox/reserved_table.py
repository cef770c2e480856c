"""The table of reserved numbers for people: what happens at each, and what each vendor replies."""

from __future__ import annotations

from typing import NamedTuple

from dialer.sandbox.numbers import RESERVED_NUMBERS, ReservedBehaviour
from dialer.sandbox.vendors import VENDORS


class Row(NamedTuple):
    """A reserved number; `replies` are the vendors', in their order."""

    number: str
    happens: str
    replies: tuple[str, ...]


def rows() -> list[Row]:
    """The table: NXX is any area code."""
    table = [
        Row(f"+1 NXX 555 01{row.ending}", row.happens + _notes(row.first), _replies(row.first))
        for row in RESERVED_NUMBERS.values()
    ]
    answers = ReservedBehaviour.ANSWERS
    return [*table, Row("any other", "answers, and hears the message to its end", _replies(answers))]


def _replies(behaviour: ReservedBehaviour) -> tuple[str, ...]:
    return tuple(vendor.reply(behaviour) for vendor in VENDORS.values())


def _notes(behaviour: ReservedBehaviour) -> str:
    """What is special at a vendor, in parentheses."""
    special = [vendor for vendor in reversed(VENDORS.values()) if behaviour in vendor.notes]
    notes = "; ".join(": ".join(filter(None, (vendor.title, vendor.notes[behaviour]))) for vendor in special)
    return f" ({notes})" if notes else ""
