"""Which numbers are one phone: a few have two spellings in E.164, and whoever has one of them has the other."""

from __future__ import annotations

from typing import NamedTuple

ENDING_DIGITS = 4  # so many last digits of a number have an index, by which it is found


class TwoSpellings(NamedTuple):
    """Two beginnings that lead to the same phone when this many digits follow."""

    long: str
    short: str
    digits: int


TWO_SPELLINGS = (
    TwoSpellings("+549", "+54", 10),  # Argentina: a mobile is written with the 9 from abroad, and without it
    TwoSpellings("+521", "+52", 10),  # Mexico: mobiles had a 1 until 2019, and many lists still have it
    TwoSpellings("+3780549", "+390549", 6),  # San Marino: by its own code, and by Italy's
)
_BEGINNINGS = tuple(beginning for pair in TWO_SPELLINGS for beginning in (pair.long, pair.short))


def other_spelling(e164: str) -> str | None:
    """The other number (E.164) that reaches the same phone; None for nearly all numbers."""
    if not e164.startswith(_BEGINNINGS):
        return None
    for long, short, digits in TWO_SPELLINGS:
        for one, other in ((long, short), (short, long)):
            if e164.startswith(one) and len(e164) == len(one) + digits:
                return other + e164[len(one) :]
    return None


def spellings(e164: str) -> tuple[str, ...]:
    """All numbers (E.164) that reach the same phone as this one, itself first."""
    other = other_spelling(e164)
    return (e164,) if other is None else (e164, other)


def identity(e164: str) -> str:
    """The same text for all numbers that reach one phone: compare numbers by it, and dial them as they are."""
    return min(spellings(e164), key=len) if e164.startswith(_BEGINNINGS) else e164
