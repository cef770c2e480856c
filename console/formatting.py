"""Shares as people read them."""

from __future__ import annotations


def percent(count: int, total: int) -> str:
    """A share, never rounded to nothing or to all of it."""
    share = 100 * count / total if total else 0.0
    if 0 < share < 1:
        return "<1%"
    return ">99%" if 99 < share < 100 else f"{share:.0f}%"
