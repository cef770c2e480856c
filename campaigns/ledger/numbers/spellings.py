"""Finds the numbers of the same phone: a few phones can be written as two E.164 numbers.

Each row keeps the number it came with, so statements ask for both: a call, a cap or a suppression counts for the phone.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import ColumnElement, CompoundSelect, case, func, or_, select, union_all

from dialer.number_identity import TWO_SPELLINGS


@lru_cache(maxsize=64)  # made for each statement anew it would take longer than most statements
def other_spelling(phone: ColumnElement[str]) -> ColumnElement[str | None]:
    """The other number (E.164) of the same phone; NULL for nearly all numbers."""
    pairs = [(pair.digits, *order) for pair in TWO_SPELLINGS for order in (pair[:2], pair[1::-1])]
    return case(
        *(
            (phone.like(spelling + "_" * digits), other + func.substr(phone, len(spelling) + 1))
            for digits, spelling, other in pairs
        )
    )


@lru_cache(maxsize=64)
def same_phone(one: ColumnElement[str], other: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether two columns have the same phone, however it is spelled."""
    return or_(one == other, one == other_spelling(other))


def every_spelling(phone: ColumnElement[str], *where: ColumnElement[bool]) -> CompoundSelect[tuple[str]]:
    """The numbers of a column, of the rows that meet these conditions, and all others that reach the same phones."""
    other = other_spelling(phone)
    return union_all(select(phone).where(*where), select(other).where(other.is_not(None), *where))
