"""The days by which a campaign's calls are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.definition import Definition


def day_of(definition: Definition, now: datetime) -> tuple[datetime, datetime]:
    """The campaign's own day: from its zone's last midnight to the next."""
    zone = ZoneInfo(definition.schedule.zone or "UTC")
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (today + timedelta(days=1)).replace(tzinfo=zone)
    return today.astimezone(UTC), tomorrow.astimezone(UTC)
