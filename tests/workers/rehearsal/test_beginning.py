"""When a rehearsal begins, as people write it, and what is wrong with what they write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.definition import definition_of
from workers.rehearsal.beginning import BadBeginning, beginning

NOW = datetime(2026, 11, 30, 8, 0, 0, 123456, tzinfo=UTC)


def campaign(zone: str | None = "Europe/Berlin"):
    return definition_of(
        {
            "campaign": "first",
            "account": "main",
            "contacts": {"file": "first.csv"},
            "message": {"tts": "Hello"},
            "caller_id": "+18005550100",
            "schedule": {"zone": zone} if zone else {},
        }
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (None, datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("2026-12-01T09:00", datetime(2026, 12, 1, 8, tzinfo=UTC)),  # by the campaign's clock
        ("2026-12-01T09:00-05:00", datetime(2026, 12, 1, 14, tzinfo=UTC)),  # by its own
        ("2026-12-01T09:00Z", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2027-10-31T02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),  # an hour that comes twice: the first
        ("2026-11-30T08:59:30", datetime(2026, 11, 30, 7, 59, 30, tzinfo=UTC)),  # this very minute
    ],
)
def test_a_beginning_is_a_moment(text, moment):
    assert beginning(text, campaign(), NOW) == moment


@pytest.mark.parametrize(
    ("text", "zone", "wrong", "remedy"),
    [
        ("tomorrow", "UTC", "not a date and time", "write 2026-12-05T15:00"),
        ("2026-12-01", "UTC", "a date without a time", "write 2026-12-05T15:00"),
        ("2026-13-01T09:00", "UTC", "no such date", "correct the date"),
        ("2026-11-30T07:58", "UTC", "has passed", "a moment to come"),
        ("2026-12-01T09:00", None, "has no zone, and first has no schedule.zone", "2026-12-01T09:00+00:00"),
        ("2027-03-28T02:30", "Europe/Berlin", "set forward over 2027-03-28T02:30", "begin at 2027-03-28T03:30"),
    ],
)
def test_what_is_no_beginning_is_refused_with_what_to_write(text, zone, wrong, remedy):
    with pytest.raises(BadBeginning) as refused:
        beginning(text, campaign(zone), NOW)
    assert wrong in refused.value.message
    assert remedy in refused.value.remedy
