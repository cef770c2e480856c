"""The gates that time keeps: whether a campaign may call a contact now, and when it next may."""

from __future__ import annotations

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
