"""A replay's hours are those of the gates, whoever asked before; its turns are the list's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.calendar.calling_hours import next_opening, next_try
from campaigns.planning.call_order import CallOrder
from campaigns.planning.hours_cache import NEVER, HoursCache
from dialer.calls import Outcome
from tests.support.seeding import definition

BEGIN = datetime(2026, 10, 30, 6, 0, tzinfo=UTC)  # two days before clocks are set back in New York
ZONES = ["UTC", "America/New_York", "Europe/Berlin,Asia/Kolkata"]
RETRY = {"max_attempts": 9, "no_answer": ["30m"] * 8, "other_part_of_day": ["no_answer"]}
SCHEDULES = [
    {},
    {"zone": "UTC", "windows": {"mon-fri": ["09:00-12:30", "13:00-20:00"], "sun": "22:00-02:00"}},
    {"zone": "UTC", "windows": {"mon-sun": "09:00-11:00"}, "holidays": ["2026-11-02"]},
    {"zone": "UTC", "start": "2026-10-31T10:00", "end": "2026-11-03T10:00"},
]


@pytest.mark.slow
@pytest.mark.parametrize("schedule", SCHEDULES, ids=["any hour", "windows", "one part", "start and end"])
@settings(max_examples=40, deadline=None)
@given(
    asked=st.lists(
        st.tuples(st.integers(0, len(ZONES) - 1), st.floats(0, 6 * 86400), st.floats(60, 86400)),
        min_size=1,
        max_size=40,
    )
)
def test_a_replay_keeps_the_hours_of_the_gates_whatever_was_asked_before(schedule, asked):
    written = definition(schedule=schedule, retry=RETRY)
    hours = HoursCache(written, ZONES)
    for zone, after, wait in asked:
        called, earliest = BEGIN + timedelta(seconds=after), BEGIN + timedelta(seconds=after + wait)
        opens = next_opening(written, ZONES[zone], called)
        told = hours.next_opening(zone, called.timestamp())
        assert told == pytest.approx(opens.timestamp() if opens else NEVER, abs=0.001)
        again = next_try(written, ZONES[zone], Outcome.NO_ANSWER, earliest, called_at=called)
        told = hours.next_try(zone, Outcome.NO_ANSWER, earliest.timestamp(), called.timestamp())
        assert told == pytest.approx(again.timestamp() if again else NEVER, abs=0.001)


def test_turns_come_by_their_moment_and_then_in_the_lists_order():
    turns = CallOrder([0, 1, 0, 1, 0], 10.0)
    assert turns.pop(10.0) == (10.0, 0, ())
    turns.push(10.0, 0, (Outcome.BUSY,))
    turns.delay_zone(1, 20.0)
    left = [turns.pop(10.0) for _ in range(6)]
    assert [one[:2] if one else None for one in left] == [(10.0, 0), (10.0, 2), (10.0, 4), (20.0, 1), (20.0, 3), None]


def test_who_waits_for_another_try_goes_first_once_it_is_due():
    turns = CallOrder([0, 0, 0], 10.0)
    turns.pop(10.0)
    turns.push(12.0, 0, (Outcome.BUSY,))
    assert [turns.pop(free)[:2] for free in (11.0, 12.0, 12.0)] == [(10.0, 1), (12.0, 0), (10.0, 2)]


def test_a_zone_whose_hours_never_come_has_no_more_turns():
    turns = CallOrder([0, 1, 1], 10.0)
    turns.delay_zone(1, NEVER)
    assert [turns.pop(10.0), turns.pop(10.0)] == [(10.0, 0, ()), None]
