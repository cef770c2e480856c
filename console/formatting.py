"""Shares, estimates and priorities as people read them."""

from __future__ import annotations

from collections.abc import Mapping

PRIORITIES: Mapping[int, str] = {1: "1, low", 2: "2, medium", 3: "3, high"}
"""A call's place in the provider's own queue."""


def percent(count: int, total: int) -> str:
    """A share in percent; one between them is never rounded to 0 % or 100 %."""
    sign, rounded = rounded_percent(count, total)
    return f"{sign}{rounded}%"


def rounded_percent(count: int, total: int) -> tuple[str, int]:
    """A share in whole percent, and `<` or `>` where it is nearly none or nearly all."""
    share = 100 * count / total if total else 0.0
    if 0 < share < 1:
        return "<", 1
    return (">", 99) if 99 < share < 100 else ("", round(share))


def rounded_estimate(value: float) -> int:
    """An estimate as far as it is known: whole below a hundred, else its first two digits, as in 35,000."""
    return int(round(value, min(0, 2 - len(f"{value:.0f}"))))


def estimate(value: float) -> str:
    """An estimate for people: "about 35,000"."""
    return f"about {rounded_estimate(value):,}"


def with_remedy(words: str, remedy: str) -> str:
    """What is wrong and, where it is known, what to do."""
    return f"{words} – {remedy}" if remedy else words
