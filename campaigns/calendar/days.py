"""The days by which a campaign's calls are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def day_of(zone_name: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The day of this zone, or of UTC: from its last midnight to the next."""
    zone = ZoneInfo(zone_name or "UTC")
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (today + timedelta(days=1)).replace(tzinfo=zone)
    return today.astimezone(UTC), tomorrow.astimezone(UTC)
