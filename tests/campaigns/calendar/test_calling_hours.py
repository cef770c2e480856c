"""Nobody is called outside the rules, and nobody who could be called is not: the gates against a plain reading.

The reading knows nothing of spans, edges or transitions: it walks the minutes and looks at the wall clock of each.
"""

from __future__ import annotations

from array import array
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.calendar.calling_hours import is_open_at_all, next_opening, next_try
from campaigns.definition import Definition
from dialer.calls import Outcome
from dialer.phone import parse, zones
from tests.campaigns.calendar.test_windows import CHANGES, shows_open, utc, written_windows
from tests.support.campaign_files import read_list
from tests.support.draws import times
from tests.support.seeding import DEFINITION, definition

EXAMPLES = times(40)
ROWS = 8
CLOCKS = 240  # for each row
MINUTE = timedelta(minutes=1)
BEFORE, HORIZON = timedelta(hours=36), 5 * 24 * 60
NUMBERS = ["+14155550101", "+12125550101", "+17015550101", "+442079460101", "+61236618300", "+56221234567"]
NUMBERS += ["+20233654321", "+97714123456", "+18005550101", "+79161234567", "+870773123456", "+525512345678"]
ZONES = ["", "", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo", "Pacific/Chatham"]
drawn = {"draws": 0, "called": 0, "never": 0}


class Plain:
    """The rules read plainly: for every minute from `begin` on, whether a contact in these zones may be called."""

    def __init__(self, written: dict[str, list[str]], holidays: set[date], begin: datetime) -> None:
        monday = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall clock
        week = [shows_open(written, monday + minute * MINUTE) for minute in range(7 * 24 * 60)]
        self.week, self.holidays, self.begin = week, holidays, begin
        self.by_zone: dict[str, list[bool]] = {}

    def minutes(self, zones: tuple[str, ...]) -> list[bool]:
        return [all(one) for one in zip(*map(self._of_zone, zones), strict=True)]

    def _of_zone(self, name: str) -> list[bool]:
        if name not in self.by_zone:
            holidays = {day.toordinal() for day in self.holidays}
            clock = zip(*wall_clock(name, self.begin), strict=True)
            self.by_zone[name] = [self.week[minute] and day not in holidays for minute, day in clock]
        return self.by_zone[name]


@cache
def wall_clock(zone: str, begin: datetime) -> tuple[array[int], array[int]]:
    """What the clock on a wall shows at every minute from `begin` on: the minute of its week, and the day's ordinal."""
    walls = [(begin + minute * MINUTE).astimezone(ZoneInfo(zone)) for minute in range(HORIZON)]
    minutes = (wall.weekday() * 1440 + wall.hour * 60 + wall.minute for wall in walls)
    return array("H", minutes), array("L", map(date.toordinal, walls))


def candidates(number: str, column: str, campaign: str) -> tuple[str, ...]:
    """The zones that the words of the definition give: column, else number, else campaign."""
    return (column,) if column else zones(parse(number)) or (campaign,)


def first_open(openings: list[bool]) -> list[int]:
    """For every minute the first from it on that is open, found by walking; HORIZON where there is none."""
    first, found = [], HORIZON
    for minute in reversed(range(HORIZON)):
        found = minute if openings[minute] else found
        first.append(found)
    return first[::-1]


def expected(first: list[int], begin: datetime, now: datetime, start: datetime, end: datetime) -> datetime | None:
    """The first moment from `now` on at which the plain rules allow a call."""
    now = max(now, start)
    minute = int((now - begin) / MINUTE)
    if minute >= HORIZON or first[minute] == HORIZON:
        return None
    moment = max(now, begin + first[minute] * MINUTE)
    return moment if moment < end else None


@pytest.mark.slow
@pytest.mark.drawn
@settings(max_examples=EXAMPLES, deadline=None)
@given(written=written_windows(), change=st.sampled_from(CHANGES), seed=st.integers(0, 2**32))
def test_no_dial_outside_the_rules_and_nobody_left_who_could_have_been_called(tmp_path_factory, written, change, seed):
    rng, begin = Random(seed), utc(change) - BEFORE
    last = begin + HORIZON * MINUTE
    holidays = {(begin + timedelta(days=rng.randrange(-1, 5))).date() for _ in range(rng.randrange(3))}
    start = begin + rng.choice([0, 0, rng.uniform(0, 2000)]) * MINUTE
    end = start + timedelta(minutes=rng.choice([HORIZON * 2, rng.uniform(1, HORIZON)]))
    if not any(written.values()):
        return
    schedule = {"zone": "Europe/London", "windows": written, "holidays": [day.isoformat() for day in holidays]}
    schedule |= {"start": start.isoformat(), "end": end.isoformat()}
    rules = Definition.model_validate(DEFINITION | {"schedule": schedule})
    plain = Plain(written, holidays, begin)
    rows = {number: rng.choice(ZONES) for number in rng.sample(NUMBERS, ROWS)}
    for number, zone in admitted(tmp_path_factory.getbasetemp(), schedule, rows).items():
        zones = candidates(number, rows[number], "Europe/London")
        openings = plain.minutes(zones)
        first = first_open(openings)
        assert zone is not None or not any(openings), "a row may be rejected only if it has no hour"
        for _ in range(CLOCKS if zone else 0):
            now = begin + timedelta(seconds=rng.uniform(0, 3 * 24 * 3600))
            wanted, found = expected(first, begin, now, start, end), next_opening(rules, zone, now)
            if wanted is None:
                assert found is None or found >= last
            else:
                assert found == wanted
            assert is_open_at_all(rules, zone, (now,)) is (wanted == now)
            drawn["draws"] += 1
            drawn["called" if wanted == now else "never"] += wanted is None or wanted == now


def admitted(folder: Path, schedule: dict[str, object], rows: dict[str, str]) -> dict[str, str | None]:
    """Each number's zone as the import reads it; None for a row that it rejects."""
    text = "phone,zone\n" + "".join(f"{number},{zone}\n" for number, zone in rows.items())
    audience = read_list(folder, text, schedule=schedule, zone="zone", allow=["satellite", "international"])
    return dict.fromkeys(rows) | {contact.phone.e164: contact.zone for contact in audience.contacts()}


@pytest.mark.slow
@pytest.mark.drawn
def test_the_draws_were_as_many_as_promised_and_of_every_kind():
    if not drawn["draws"]:
        pytest.skip("the draws were not asked for in this run")
    assert drawn["draws"] >= times(50_000)
    assert min(drawn.values()) > times(500)


# Retries


OFFICE = {"zone": "America/New_York", "windows": {"mon-fri": "09:00-20:00"}}
AWAY = {"max_attempts": 5, "no_answer": ["2h"], "busy": ["5m"], "other_part_of_day": ["no_answer"]}
ZONE = "America/New_York"


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


@pytest.mark.parametrize(
    ("called", "earliest", "due"),
    [
        ("2026-12-01T09:30", "2026-12-01T11:30", "2026-12-01T12:00"),  # not before noon again
        ("2026-12-01T11:30", "2026-12-01T13:30", "2026-12-01T13:30"),
        ("2026-12-01T13:00", "2026-12-01T15:00", "2026-12-01T17:00"),
        ("2026-12-01T19:00", "2026-12-01T21:00", "2026-12-02T09:00"),
        ("2026-12-04T19:59", "2026-12-04T21:59", "2026-12-07T09:00"),  # over the weekend
    ],
)
def test_a_retry_moves_to_another_part_of_the_day_when_asked(called, earliest, due):
    rules = definition(schedule=OFFICE, retry=AWAY)
    moved = next_try(rules, ZONE, Outcome.NO_ANSWER, new_york(earliest), called_at=new_york(called))
    assert moved == new_york(due)


@pytest.mark.parametrize(
    ("last", "due"),
    [("2026-12-01T12:01", "2026-12-01T12:00"), ("2026-12-01T12:00", "2026-12-01T11:30")],
)
def test_where_another_part_of_the_day_is_too_late_for_the_contact_the_retry_comes_in_this_one(last, due):
    asked = {"called_at": new_york("2026-12-01T09:30"), "not_after": new_york(last)}
    rules, earliest = definition(schedule=OFFICE, retry=AWAY), new_york("2026-12-01T11:30")
    assert next_try(rules, ZONE, Outcome.NO_ANSWER, earliest, **asked) == new_york(due)


def test_only_the_outcomes_named_move_to_another_part_of_the_day():
    rules, now = definition(schedule=OFFICE, retry=AWAY), new_york("2026-12-01T09:30")
    assert next_try(rules, ZONE, Outcome.BUSY, now + 5 * MINUTE, called_at=now) == now + 5 * MINUTE


def test_where_the_windows_have_one_part_of_the_day_only_the_retry_comes_in_it():
    rules = definition(schedule=OFFICE | {"windows": {"mon-fri": "09:00-12:00"}}, retry=AWAY)
    called = new_york("2026-12-01T09:30")
    moved = next_try(rules, ZONE, Outcome.NO_ANSWER, called + timedelta(hours=2), called_at=called)
    assert moved == called + timedelta(hours=2)


def test_a_retry_that_falls_outside_the_hours_is_fitted_into_the_next_ones():
    rules = definition(schedule=OFFICE, retry=AWAY)
    late = new_york("2026-12-04T20:05")
    assert next_try(rules, ZONE, Outcome.BUSY, late, called_at=late) == new_york("2026-12-07T09:00")


# What Newfies-Dialer gets wrong


def test_newfies_dates_and_hours_come_from_one_clock_the_contacts():
    """It read weekdays from UTC and hours from the server: at 23:30 local the next day has begun in UTC."""
    rules = definition(schedule={"zone": ZONE, "windows": {"tue": "23:00-24:00"}})
    tuesday_evening = new_york("2026-12-01T23:30")
    assert tuesday_evening.date() == date(2026, 12, 2)
    assert next_opening(rules, ZONE, tuesday_evening) == tuesday_evening
    assert next_opening(rules, ZONE, tuesday_evening - timedelta(days=1)) == new_york("2026-12-01T23:00")


def test_newfies_hours_may_cross_midnight():
    """`start <= now <= stop` never holds for 21:00-02:00."""
    rules = definition(schedule={"zone": ZONE, "windows": {"mon-sun": "21:00-02:00"}})
    for hour in ("2026-12-01T21:00", "2026-12-01T23:59", "2026-12-02T00:00", "2026-12-02T01:59"):
        assert next_opening(rules, ZONE, new_york(hour)) == new_york(hour)
    assert next_opening(rules, ZONE, new_york("2026-12-02T02:00")) == new_york("2026-12-02T21:00")
