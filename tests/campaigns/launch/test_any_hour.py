"""A campaign without calling hours says so, and whom it would wake."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.launch.checking.any_hour import any_hour_warning
from tests.support.seeding import definition

HALF_PAST_NINE = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)  # 01:30 in Los Angeles, 04:30 in New York, 09:30 in London
ZONES = {"America/Los_Angeles": 12, "America/New_York": 3, "Europe/London": 5, "": 2}


def test_people_who_would_be_called_at_night_are_counted_with_their_hour():
    warning = any_hour_warning(definition(), ZONES, HALF_PAST_NINE)
    assert "15 of 22 would be called at 01:30 their time" in warning
    assert "windows" in warning


@pytest.mark.parametrize(
    ("hour", "woken"),
    [(16, 0), (15, 12), (5, 20), (4, 8)],  # eight in Los Angeles; seven; nine in the evening there; eight there
)
def test_night_is_from_nine_in_the_evening_to_eight(hour, woken):
    warning = any_hour_warning(definition(), ZONES, HALF_PAST_NINE.replace(hour=hour, minute=0))
    assert warning
    assert (f"{woken} of 22" in warning) == (woken > 0)


def test_who_may_be_in_several_zones_is_woken_in_one_of_them():
    warning = any_hour_warning(definition(), {"Europe/London,America/New_York": 1}, HALF_PAST_NINE)
    assert "1 of 1 would be called at 04:30" in warning


def test_a_later_start_is_what_counts():
    later = definition(schedule={"start": "2026-12-01T17:00+00:00"})
    warning = any_hour_warning(later, ZONES, HALF_PAST_NINE)
    assert "would be called" not in warning
    assert "at any hour" in warning


@pytest.mark.parametrize("windows", [{"mon-fri": "09:00-20:00"}, {"mon-sun": "00:00-24:00"}])
def test_hours_that_are_written_warn_of_nothing(windows):
    assert any_hour_warning(definition(schedule={"zone": "UTC", "windows": windows}), ZONES, HALF_PAST_NINE) == ""


def test_holidays_alone_keep_nobody_from_being_called_at_night():
    assert any_hour_warning(definition(schedule={"zone": "UTC", "holidays": ["US"]}), ZONES, HALF_PAST_NINE)
