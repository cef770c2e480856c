"""Whether too many calls of a campaign end unknown."""

from __future__ import annotations

MANY_UNKNOWN, UNKNOWN_SHARE = 10, 0.1  # calls, and their share of all that have ended


def too_many_unknown(unknown: int, ended: int) -> bool:
    """Whether so many calls end unknown that people should look into it."""
    return unknown >= max(MANY_UNKNOWN, UNKNOWN_SHARE * ended)
