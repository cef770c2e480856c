"""Reminders of an appointment: days keep the time of day, whatever the clock does; what comes too late is left out."""

from __future__ import annotations

from datetime import datetime

import pytest

from campaigns.calendar.reminders import next_reminder, present_reminder, reminder_moments
from tests.support.seeding import definition

NEW_YORK = "America/New_York"


def hours(*at: str, windows: dict[str, str] | None = None):
    schedule = {"zone": NEW_YORK, "before": {"column": "at", "at": list(at)}}
    return definition(schedule=schedule | ({"windows": windows} if windows else {}))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("appointment", "before", "due"),
    [
        ("2026-12-04T15:00-05:00", "3d", "2026-12-01T15:00-05:00"),
        ("2026-12-04T15:00-05:00", "2h", "2026-12-04T13:00-05:00"),
        ("2026-11-02T09:00-05:00", "1d", "2026-11-01T09:00-05:00"),
        ("2026-11-02T09:00-05:00", "2d", "2026-10-31T09:00-04:00"),  # the clock goes back on 1 November
        ("2026-11-01T10:00-05:00", "10h", "2026-11-01T01:00-04:00"),  # hours are exact: eleven by the clock on the wall
        ("2026-11-02T01:30-05:00", "1d", "2026-11-01T01:30-04:00"),  # comes twice: the first
        ("2026-03-09T02:30-04:00", "1d", "2026-03-08T03:30-04:00"),  # left out by the clock: an hour later
    ],
)
def test_days_keep_the_time_of_day_and_hours_are_exact(appointment, before, due):
    assert reminder_moments(hours(before), NEW_YORK, moment(appointment)) == [moment(due)]


def test_a_reminder_waits_for_the_window_and_is_left_out_when_the_next_is_due_by_then():
    told = hours("1d", "4h", "2h", windows={"mon-sun": "09:00-20:00"})
    appointment, now = moment("2026-12-04T12:00-05:00"), moment("2026-12-01T00:00-05:00")
    assert next_reminder(told, NEW_YORK, appointment, now=now) == (1, moment("2026-12-03T12:00-05:00"))
    assert next_reminder(told, NEW_YORK, appointment, after=1, now=now) == (2, moment("2026-12-04T09:00-05:00"))
    early = moment("2026-12-04T10:30-05:00")
    opens = moment("2026-12-04T09:00-05:00")
    assert next_reminder(told, NEW_YORK, early, after=1, now=now) == (3, opens), "both wait: the later is told"
    dawn = moment("2026-12-04T08:30-05:00")
    assert next_reminder(told, NEW_YORK, dawn, after=1, now=now) == (None, dawn), "no window opens before it"


def test_what_has_passed_is_left_out_and_nothing_may_be_left():
    told, appointment = hours("3d", "1d", "2h"), moment("2026-12-04T15:00-05:00")
    near, nearer = moment("2026-12-02T09:00-05:00"), moment("2026-12-04T14:00-05:00")
    assert next_reminder(told, NEW_YORK, appointment, now=near) == (2, moment("2026-12-03T15:00-05:00"))
    assert next_reminder(told, NEW_YORK, appointment, now=nearer) == (None, appointment)


def test_a_call_that_was_held_up_tells_the_reminder_that_is_right_by_then():
    told, appointment = hours("3d", "1d", "2h"), moment("2026-12-04T15:00-05:00")
    assert present_reminder(told, NEW_YORK, appointment, first=1, now=moment("2026-12-03T14:59-05:00")) == 1
    assert present_reminder(told, NEW_YORK, appointment, first=1, now=moment("2026-12-03T15:00-05:00")) == 2
