"""Calling windows hold on the contact's wall clock, through every change of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.calendar.times import (
    WEEKDAYS,
    BadMoment,
    BadTime,
    BadWindow,
    earliest,
    parse_hours,
    parse_moment,
    parse_weekdays,
)
from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import PLACES, BadZone, zone_named

NEW_YORK = zone_named("America/New_York")
OFFICE = Windows.parse({"mon-fri": ["09:00-12:30", "13:00-20:00"], "sat": ["10:00-14:00"]})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = "America/New_York", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone_named(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-12-01T08:59:59", False),
        ("2026-12-01T09:00:00", True),  # a window opens with its first second
        ("2026-12-01T12:29:59", True),
        ("2026-12-01T12:30:00", False),  # and is closed from its end on
        ("2026-12-01T13:00:00", True),
        ("2026-12-01T20:00:00", False),
        ("2026-12-05T10:00:00", True),  # Saturday has hours of its own
        ("2026-12-05T14:00:00", False),
        ("2026-12-06T11:00:00", False),  # Sunday has none
    ],
)
def test_hours_are_those_of_the_contacts_wall_clock(moment, is_open):
    assert OFFICE.is_open(local(moment), NEW_YORK) is is_open


def test_the_same_moment_is_day_for_one_contact_and_night_for_another():
    now = utc("2026-12-01T14:30:00")
    assert OFFICE.is_open(now, NEW_YORK)
    assert not OFFICE.is_open(now, zone_named("America/Los_Angeles"))


def test_no_windows_mean_any_time_and_never_close():
    always, now = Windows(), utc("2026-12-06T03:00:00")
    assert always.is_open(now, NEW_YORK)
    assert always.next_open(now, NEW_YORK) == now
    assert always.closes_at(now, NEW_YORK) is None


def test_windows_of_the_whole_week_never_close():
    week = Windows.parse({"mon-sun": ["00:00-24:00"]})
    now = utc("2026-10-31T23:30:00")
    assert week.is_open(now, NEW_YORK)
    assert week.closes_at(now, NEW_YORK) is None


def test_a_day_without_hours_is_closed():
    windows = Windows.parse({"mon": ["09:00-10:00"], "tue": []})
    assert windows.next_open(local("2026-12-01T09:30"), NEW_YORK) == local("2026-12-07T09:00")


def test_a_window_across_midnight_is_open_on_the_next_local_day():
    """Newfies took the date from UTC and the hour from the server, and could not cross midnight at all."""
    windows = Windows.parse({"tue": ["21:00-02:00"]})
    half_past_eleven = local("2026-12-01T23:30")
    assert half_past_eleven.date() != half_past_eleven.astimezone(NEW_YORK).date()  # UTC is a day ahead
    assert windows.is_open(half_past_eleven, NEW_YORK)
    assert windows.is_open(local("2026-12-02T01:59:59"), NEW_YORK)
    assert windows.closes_at(half_past_eleven, NEW_YORK) == local("2026-12-02T02:00")
    assert not windows.is_open(local("2026-12-01T20:59"), NEW_YORK)
    assert not windows.is_open(local("2026-12-01T01:00"), NEW_YORK)  # Monday's night is not Tuesday's


def test_sunday_night_runs_into_monday():
    windows = Windows.parse({"sun": ["23:00-01:00"]})
    assert windows.is_open(local("2026-12-07T00:30"), NEW_YORK)
    assert windows.next_open(local("2026-12-07T01:00"), NEW_YORK) == local("2026-12-13T23:00")


def test_hours_that_touch_or_overlap_are_one_window():
    windows = Windows.parse({"mon": ["09:00-12:00", "11:00-13:00", "13:00-14:00"]})
    assert windows.closes_at(local("2026-11-30T09:00"), NEW_YORK) == local("2026-11-30T14:00")


def test_a_window_that_begins_in_the_hour_left_out_opens_when_the_clock_jumps():
    windows = Windows.parse({"sun": ["02:30-04:00"]})
    jump = utc("2026-03-08T07:00:00")  # 02:00 becomes 03:00
    assert windows.next_open(utc("2026-03-08T00:00:00"), NEW_YORK) == jump
    assert not windows.is_open(jump - timedelta(seconds=1), NEW_YORK)


def test_a_window_inside_the_hour_left_out_comes_a_week_later():
    windows = Windows.parse({"sun": ["02:10-02:50"]})
    assert windows.next_open(utc("2026-03-08T00:00:00"), NEW_YORK) == local("2026-03-15T02:10")


def test_hours_shown_twice_are_open_both_times():
    windows = Windows.parse({"sun": ["01:00-01:30"]})
    first, second = local("2026-11-01T01:00"), local("2026-11-01T01:00", fold=1)
    assert second - first == timedelta(hours=1)
    assert windows.closes_at(first, NEW_YORK) == first + timedelta(minutes=30)
    assert windows.next_open(first + timedelta(minutes=30), NEW_YORK) == second


def test_a_window_is_entered_again_when_the_clock_is_set_back_into_it():
    windows = Windows.parse({"sun": ["00:00-01:45"]})
    assert windows.next_open(utc("2026-11-01T05:50:00"), NEW_YORK) == utc("2026-11-01T06:00:00")


def test_a_day_that_a_zone_skipped_has_no_hours():
    apia = zone_named("Pacific/Apia")  # went from 29 to 31 December 2011
    windows = Windows.parse({"fri": ["09:00-10:00"]})
    assert windows.next_open(utc("2011-12-29T22:00:00"), apia) == local("2012-01-06T09:00", "Pacific/Apia")


def test_a_naive_now_is_refused():
    with pytest.raises(ValueError, match="aware"):
        OFFICE.is_open(datetime(2026, 12, 1, 9, 0), NEW_YORK)  # noqa: DTZ001


ZONES = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Santiago",  # changes at midnight: the day begins at 01:00, or 23:00 comes twice
    "Africa/Cairo",  # the same, on another day of the week
    "Asia/Kathmandu",  # +05:45
    "Pacific/Chatham",
    "UTC",
]
CHANGES = ["2026-03-08T06:00", "2026-03-29T00:30", "2026-04-04T14:00", "2026-04-05T03:00", "2026-04-23T21:00"]
CHANGES += ["2026-09-06T03:30", "2026-10-03T14:30", "2026-10-25T00:30", "2026-10-29T20:30", "2026-11-01T05:30"]
MINUTES = st.integers(0, 24 * 60)


@st.composite
def written_windows(draw):
    """Windows as a campaign file holds them."""

    def hours():
        opens, closes = draw(st.integers(0, 24 * 60 - 1)), draw(MINUTES)
        return [] if opens == closes else [f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"]

    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True))
    return {day: [span for _ in range(draw(st.integers(1, 2))) for span in hours()] for day in days}


def shows_open(written, wall):
    """The rule once more, plainly: does this wall clock stand in hours written for its day, or for the day before?"""
    time = f"{wall:%H:%M}"
    today, yesterday = WEEKDAYS[wall.weekday()], WEEKDAYS[wall.weekday() - 1]
    for span in written.get(today, []):
        opens, closes = span.split("-")
        if opens <= time and (time < closes or closes < opens):
            return True
    return any(time < closes < opens for opens, closes in (span.split("-") for span in written.get(yesterday, [])))


NOWS = st.builds(
    lambda change, minutes: utc(change) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-36 * 60, 12 * 60),
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(written_windows(), st.sampled_from(ZONES), NOWS)
def test_it_is_open_exactly_when_the_wall_clock_says_so(written, zone, now):
    windows, zone = Windows.parse(written), zone_named(zone)
    for minutes in range(0, 36 * 60, 7):
        moment = now + timedelta(minutes=minutes)
        assert windows.is_open(moment, zone) is shows_open(written, moment.astimezone(zone))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(written_windows(), st.sampled_from(ZONES), NOWS, st.integers(0, 59))
def test_the_next_opening_is_open_and_nothing_before_it_is(written, zone, now, seconds):
    windows, zone = Windows.parse(written), zone_named(zone)
    now += timedelta(seconds=seconds)
    opening = windows.next_open(now, zone)
    if opening is None:
        assert not any(windows.days)
        return
    assert opening >= now
    assert windows.is_open(opening, zone)
    for minute in range(min(int((opening - now).total_seconds()) // 60 + 1, 48 * 60)):
        moment = now + timedelta(minutes=minute)
        assert moment >= opening or not windows.is_open(moment, zone)
    if opening > now:
        assert not windows.is_open(opening - timedelta(seconds=1), zone)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(written_windows(), st.sampled_from(ZONES), NOWS)
def test_a_window_is_open_until_it_closes_and_closed_then(written, zone, now):
    windows, zone = Windows.parse(written), zone_named(zone)
    closing = windows.closes_at(now, zone)
    if closing is None:
        assert not windows.is_open(now, zone) or all(
            windows.is_open(now + timedelta(hours=h), zone) for h in range(168)
        )
        return
    assert closing > now
    assert not windows.is_open(closing, zone)
    for minute in range(min(int((closing - now).total_seconds()) // 60 + 1, 48 * 60)):
        moment = now + timedelta(minutes=minute)
        assert moment >= closing or windows.is_open(moment, zone)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", (0,)),
        ("Monday", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri-mon", (4, 5, 6, 0)),  # round the week's end
        ("sat,sun", (5, 6)),
        ("mon - wed, sun", (0, 1, 2, 6)),
        ("mon-sun", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_weekdays_are_read_as_people_write_them(text, days):
    assert parse_weekdays(text) == days


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("9-17", "is not a range"),
        ("09:00", "is not a range"),
        ("09:00-17:60", "17:60 is not a time"),
        ("09:00-25:00", "25:00 is not a time"),
        ("24:00-06:00", "at the end of the day"),
        ("09:00-09:00", "at the same minute"),
        ("٠٩:٠٠-١٠:٠٠", "is not a range"),  # digits, but not ours
        ("", "is not a range"),
    ],
)
def test_hours_that_are_none_are_refused_with_the_reason(text, said):
    with pytest.raises(BadWindow, match=re.escape(said)) as refused:
        parse_hours(text)
    assert refused.value.suggestion


def test_a_misspelt_weekday_is_named_with_the_right_one():
    with pytest.raises(BadWindow, match="fry") as refused:
        parse_weekdays("mon-fry")
    assert refused.value.suggestion == "did you mean fri?"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("America/New York", "America/New_York"),  # with a space
        ("america/new_york", "America/New_York"),  # another case
        ("America/NewYork", "America/New_York"),
        ("Europe/Kiyv", "Europe/Kyiv"),
        ("Mars/Olympus", "write an IANA name"),
        ("", "write an IANA name"),
        ("../../etc/passwd", "write an IANA name"),
        ("America", "IANA|did you mean"),  # a folder of zones
        ("localtime", "IANA|did you mean"),  # whatever this machine thinks
        # In summer these would be an hour off: whoever writes them seldom means that.
        ("EST", "^write America/New_York, or America/Panama where winter time"),
        ("mst ", "^write America/Denver, or America/Phoenix where winter time"),
        ("EST5EDT", "^write America/New_York, or America/Panama where winter time"),
        ("PST8PDT", "^write America/Los_Angeles, or "),
        ("HST", "Pacific/Honolulu where winter time"),
        ("cet", "^write Europe/Berlin, or Africa/Algiers"),
        # By POSIX's sign, the reverse of what is read.
        ("Etc/GMT+3", "^write America/Sao_Paulo for UTC-3 or Europe/Moscow for UTC\\+3"),
        ("Etc/GMT-5", "^write Asia/Karachi for UTC\\+5 or America/Lima for UTC-5"),
        ("etc/gmt-14", "^write Pacific/Kiritimati for UTC\\+14$"),
        # Offsets, for which no zone that is hours away is proposed.
        ("UTC+3", "^write an IANA name"),
        ("GMT-5", "^write an IANA name"),
        ("gmt +02:00", "^write an IANA name"),
        ("+0300", "^write an IANA name"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_one(name, hint):
    with pytest.raises(BadZone) as refused:
        zone_named(name)
    assert re.search(hint, refused.value.suggestion)


@pytest.mark.parametrize("name", ["UTC", "GMT", "Etc/UTC", "Etc/GMT", "Asia/Calcutta", "US/Eastern", "Europe/Kiev"])
def test_a_zone_that_means_one_thing_is_accepted_also_by_an_older_name(name):
    assert zone_named(name).key == name


@pytest.mark.parametrize(("hours", "place"), PLACES.items())
def test_a_zone_proposed_for_an_offset_has_it_all_year(hours, place):
    days = [datetime(2026, month, 1, tzinfo=UTC).astimezone(zone_named(place)) for month in range(1, 13)]
    assert {day.utcoffset() for day in days} == {timedelta(hours=hours)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-12-05", "a date without a time"),  # its midnight would be the wrong end of the day
        ("05.12.2026 15:00", "not a date and time"),
        ("12/05/2026 3:00 PM", "not a date and time"),
        ("2026-13-05T15:00", "no such date"),
        ("2026-02-30T15:00", "no such date"),
        ("2026-12-05T24:30", "no such date"),
        ("0026-12-05T15:00", "cannot be meant"),
        ("9999-12-31T23:59", "cannot be meant"),
        ("1764946800", "not a date and time"),
        ("2026-12-05T15:00-16:00", "no clock differs from UTC by -1600"),
        ("2026-12-05 15:00+23:59", r"no clock differs from UTC by \+2359"),
        ("2026-12-05 09:00-10:00", "may mean 09:00 to 10:00"),
        ("2026-12-05 08:30-09:15", "may mean 08:30 to 09:15"),
        ("", "not a date and time"),
    ],
)
def test_a_moment_that_is_none_is_refused_with_the_reason(text, said):
    with pytest.raises(BadMoment, match=said):
        parse_moment(text)


def test_a_moment_keeps_its_offset_and_is_naive_without_one():
    assert parse_moment("2026-12-05T15:00-05:00") == utc("2026-12-05T20:00")
    assert parse_moment(" 2026-12-05 15:00Z ") == utc("2026-12-05T15:00")
    assert parse_moment("2026-12-05T15:00").tzinfo is None


def test_a_time_shown_twice_means_the_first_for_a_last_moment():
    assert earliest(datetime(2026, 11, 1, 1, 30), NEW_YORK) == utc("2026-11-01T05:30")  # noqa: DTZ001


def test_every_bad_time_is_one_kind_of_error():
    assert issubclass(BadWindow, BadTime)
    assert issubclass(BadZone, BadTime)
