"""The gates that time keeps: whether a campaign may call a contact now, and when it next may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.definition import Definition


def next_opening(definition: Definition, zone: str, now: datetime) -> datetime | None:
    """`now` when a contact in this zone may be called now, else when it next may; None for never again."""
    start, end = definition.starts_at, definition.ends_at
    earliest = max(now, start) if start else now
    opening = definition.windows.next_open(earliest, ZoneInfo(zone))
    if opening is None or (end is not None and opening >= end):
        return None
    return opening


def opening_at_all(definition: Definition, zone: str, moments: Sequence[datetime]) -> datetime | None:
    """The same where nobody knows which of these moments is now: the first when all allow it, else later than it.

    Later by the longest wait that any of them asks for; None when one says never again.
    """
    openings = [(moment, next_opening(definition, zone, moment)) for moment in moments]
    waits = [opening - moment for moment, opening in openings if opening is not None]
    return moments[0] + max(waits) if len(waits) == len(openings) else None
