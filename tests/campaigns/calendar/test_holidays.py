"""Holidays close the contact's own day, by country, by part of it, or by date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.calendar.holidays import BadHoliday, Holidays
from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import zone_named
from tests.support.seeding import definition

NEW_YORK, TOKYO = zone_named("America/New_York"), zone_named("Asia/Tokyo")
ANY_HOUR = {"mon-sun": ["00:00-24:00"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "day", "name"),
    [
        (["US"], date(2026, 11, 26), "Thanksgiving Day"),
        (["US"], date(2026, 11, 27), None),
        (["US-CA"], date(2026, 11, 27), "Day After Thanksgiving"),
        (["us", "RU"], date(2027, 1, 7), "Christmas Day"),
        (["US"], date(2027, 12, 31), "New Year's Day (observed)"),  # of the year after
        (["2026-12-24"], date(2026, 12, 24), "closed on 2026-12-24"),
        ([], date(2026, 12, 25), None),
        (
            ["nz-south canterbury"],
            date(2026, 9, 28),
            "South Canterbury Anniversary Day",
        ),  # a part that is not all capitals
    ],
)
def test_a_day_is_a_holiday_where_the_list_says_so(written, day, name):
    holidays = Holidays.parse(written)
    assert (day in holidays) is (name is not None)
    assert holidays.name(day) == name


@pytest.mark.parametrize(
    ("written", "said", "suggestion"),
    [
        ("Ruritania", "no holidays are known", "two letters"),
        ("US-XX", 'US has no part "XX"', "there are"),
        ("BE-Germann", 'BE has no part "Germann"', "did you mean BE-German?"),
        ("2026-02-30", "not a date", "2026-12-24"),
        ("24.12.2026", "not a date", "2026-12-24"),
        ("1026-12-24", "cannot be meant", "year"),
    ],
)
def test_what_is_no_holiday_is_refused_with_the_reason(written, said, suggestion):
    with pytest.raises(BadHoliday) as refused:
        Holidays.parse([written])
    assert said in str(refused.value)
    assert suggestion in refused.value.suggestion


def test_a_holiday_is_the_contacts_own_day_from_midnight_to_midnight():
    windows = Windows.parse(ANY_HOUR, ["2026-12-25"])
    eve = datetime(2026, 12, 24, 16, 0, tzinfo=UTC)
    assert windows.is_open(eve, NEW_YORK)
    assert not windows.is_open(eve, TOKYO), "Christmas has come there"
    assert windows.closes_at(eve, NEW_YORK) == datetime(2026, 12, 25, 5, 0, tzinfo=UTC)
    assert windows.next_open(eve, TOKYO) == datetime(2026, 12, 25, 15, 0, tzinfo=UTC)


def test_hours_after_midnight_belong_to_the_day_that_the_wall_shows():
    windows = Windows.parse({"thu": ["21:00-02:00"]}, ["2026-12-25"])
    begins = datetime(2026, 12, 25, 2, 0, tzinfo=UTC)  # Thursday, nine in the evening
    assert windows.closes_at(begins, NEW_YORK) == begins + timedelta(hours=3)


def test_holidays_alone_leave_every_other_hour_open():
    windows = Windows.parse({}, ["2026-12-25"])
    assert windows.next_open(datetime(2026, 12, 25, 12, tzinfo=UTC), NEW_YORK) == datetime(2026, 12, 26, 5, tzinfo=UTC)


def test_a_window_that_falls_on_holidays_for_weeks_comes_after_them():
    thursdays = [f"2026-12-{day}" for day in ("03", "10", "17", "24", "31")]
    windows = Windows.parse({"thu": ["09:00-10:00"]}, thursdays)
    assert windows.next_open(datetime(2026, 12, 1, tzinfo=UTC), NEW_YORK) == datetime(2027, 1, 7, 14, tzinfo=UTC)


def test_a_definition_says_holidays_in_one_list():
    written = definition(schedule={"zone": "America/New_York", "holidays": ["US", "2026-12-24"]})
    assert written.windows.holiday(datetime(2026, 12, 24, 15, tzinfo=UTC), NEW_YORK) == "closed on 2026-12-24"
    assert written.windows.holiday(datetime(2026, 12, 25, 15, tzinfo=UTC), NEW_YORK) == "Christmas Day"
