"""What a list holds is said as people say it, or refused with what to write."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.definition.templates import BadText, MissingVariable, Template

SAID = [
    ("{{ a | date }}", "2026-12-05T15:00", "Saturday, December 5"),
    ("{{ a | date(year=true) }}", "2026-12-05", "Saturday, December 5, 2026"),
    ("{{ a | date('en-GB') }}", "2026-12-05 15:00:00", "Saturday 5 December"),
    ("{{ a | date('ru') }}", "2026-12-05T15:00", "суббота, 5 декабря"),
    ("{{ a | date('de', read='%d.%m.%Y') }}", "05.12.2026", "Samstag, 5. Dezember"),
    ("{{ a | date(read='%a, %d %b %Y') }}", "Sat, 05 Dec 2026", "Saturday, December 5"),
    ("{{ a | date(read='%G-W%V-%u') }}", "2026-W49-6", "Saturday, December 5"),
    ("{{ a | time(read='%a %H:%M') }}", "Mon 15:00", "3:00 PM"),
    ("{{ a | date(year=true) }}", "1901-01-01", "Tuesday, January 1, 1901"),
    ("{{ a | time }}", "1899-12-30T15:00:00", "3:00 PM"),  # a time alone, as some exports write it
    ("{{ a | time }}", "15:00", "3:00 PM"),
    ("{{ a | time }}", "2026-12-05T09:05:00", "9:05 AM"),
    ("{{ a | time('ru') }}", "2026-12-05T15:00", "15:00"),
    ("{{ a | money('USD') }}", "1,250.50", "1,250.50 US dollars"),
    ("{{ a | money('USD') }}", "$1", "1 US dollar"),
    ("{{ a | money('eur') }}", "1 250,50 €", "1,250.50 euros"),
    ("{{ a | money('EUR', 'de', decimal=',') }}", "1.250", "1.250 Euro"),
    ("{{ a | money('RUB', 'ru') }}", "1 250 руб.", "1 250 российских рублей"),
    ("{{ a | spell }}", "AB-12", "A, B, 1, 2"),
    ("{{ a | spell }}", "0042", "0, 0, 4, 2"),
    ("{{ a | spell }}", "Ж7", "Ж, 7"),
]
REFUSED = [
    ("{{ a | date }}", "tomorrow", "not a date or time"),
    ("{{ a | date }}", "05.12.2026", 'date(read="%d.%m.%Y")'),
    ("{{ a | date }}", "2026-13-05", "not a date or time"),
    ("{{ a | date }}", "15:00", "no date"),
    ("{{ a | time }}", "2026-12-05", "without a time"),
    ("{{ a | time }}", "05.12.2026 15:00", 'time(read="%d.%m.%Y %H:%M")'),
    ("{{ a | time }}", "3pm", "not a date or time"),
    ("{{ a | date('xx-yy') }}", "2026-12-05", "no language"),
    ("{{ a | money('XXQ') }}", "12", "no currency"),
    ("{{ a | money('USD') }}", "twelve", "not an amount"),
    ("{{ a | money('USD') }}", "1-2", "not an amount"),
    ("{{ a | spell }}", "*", "no letter or digit to spell"),
    ("{{ a | date }}", "2569-12-05", "cannot be meant: the year is 2569"),  # Thai: its days have other names
    ("{{ a | date }}", "1448-06-25", "cannot be meant: the year is 1448"),  # Hijri
    ("{{ a | date }}", "1405-09-14T15:00", "cannot be meant: the year is 1405"),  # Persian
    ("{{ a | date }}", "0001-01-01", "cannot be meant: the year is 0001"),  # .NET's "none"
    ("{{ a | date }}", "1900-01-01T00:00:00", "cannot be meant: the year is 1900"),  # SQL Server's
    ("{{ a | date(read='%a, %d %b %Y') }}", "Fri, 05 Dec 2026", "has another weekday than 2026-12-05"),
    ("{{ a | date(read='%A %d.%m.%Y') }}", "Sunday 05.12.2026", "has another weekday than 2026-12-05"),
    ("{{ a | time(read='%a %d.%m.%Y %H:%M') }}", "Mon 05.12.2026 15:00", "has another weekday than 2026-12-05"),
    ("{{ a | date(read='%d.%m.%Y') }}", "30.12.1899", "cannot be meant: the year is 1899"),  # a spreadsheet's
]


@pytest.mark.parametrize(("source", "held", "said"), SAID)
def test_a_value_is_said_as_people_say_it(source, held, said):
    assert Template(source).render({"a": held}) == said


@pytest.mark.parametrize(("source", "held", "why"), REFUSED)
def test_a_value_that_cannot_be_said_so_is_refused_with_what_to_write(source, held, why):
    with pytest.raises(BadText) as refused:
        Template(source).render({"a": held})
    assert why in f"{refused.value} {refused.value.suggestion}"
    assert refused.value.suggestion or "code" in str(refused.value)


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        ("12/3/2026", ["2026-03-12", "2026-12-03"]),  # British or American?
        ("03-12-2026", ["2026-12-03", "2026-03-12"]),
        ("1/2/27 15:00", ["2027-02-01", "2027-01-02"]),
        ("3/12/2026, 3:05:00 PM", ["2026-12-03", "2026-03-12"]),
        ("5/5/2026", ["2026-05-05"]),
        ("13/3/2026", ["2026-03-13"]),
        ("3/13/2026 9:30", ["2026-03-13"]),
        ("3.12.26", ["2026-12-03"]),  # with points no country writes the month first
        ("2026/12/03", ["2026-12-03"]),
        ("2026-12-3", ["2026-12-03"]),
    ],
)
def test_a_date_as_spreadsheets_write_it_is_refused_with_what_it_can_mean_and_what_to_write(written, readings):
    """Each `read` that the refusal names gives one of the readings; none is chosen for the author."""
    with pytest.raises(BadText) as refused:
        Template("{{ a | date }}").render({"a": written})
    formats = re.findall(r'date\(read="(.+?)"\)', refused.value.suggestion)
    assert [f"{datetime.strptime(written, form):%Y-%m-%d}" for form in formats] == readings  # noqa: DTZ007
    assert len(readings) == 1 or f"can mean {' or '.join(readings)}" in str(refused.value)
    for form in formats:
        assert Template(f"{{{{ a | date(read='{form}') }}}}").render({"a": written})


@pytest.mark.parametrize(
    ("written", "read"), [("3:05 PM", "%I:%M %p"), ("3:05PM", "%I:%M%p"), ("15.12.2026 9:05", "%d.%m.%Y %H:%M")]
)
def test_a_time_as_spreadsheets_write_it_is_refused_with_what_to_write(written, read):
    with pytest.raises(BadText) as refused:
        Template("{{ a | time }}").render({"a": written})
    assert refused.value.suggestion.endswith(f'time(read="{read}")')
    assert (
        Template(f"{{{{ a | time(read='{read}') }}}}")
        .render({"a": written})
        .endswith(":05 " + "AP"["P" in written] + "M")
    )


@pytest.mark.parametrize("written", ["05.12.2026", "12/3/2026"])
def test_no_way_of_reading_a_date_is_named_as_one_of_reading_a_time(written):
    with pytest.raises(BadText) as refused:
        Template("{{ a | time }}").render({"a": written})
    assert "read=" not in refused.value.suggestion


@pytest.mark.parametrize("filter_", ["date", "time", "money('USD')", "spell"])
def test_a_blank_is_blank_whatever_it_would_have_been(filter_):
    with pytest.raises(MissingVariable, match="a"):
        Template(f"{{{{ a | {filter_} }}}}").render({"a": ""})


NEW_YORK, LOS_ANGELES, BERLIN, TOKYO = "America/New_York", "America/Los_Angeles", "Europe/Berlin", "Asia/Tokyo"
YEARS = (datetime(2020, 1, 1), datetime(2035, 1, 1))  # noqa: DTZ001  # hypothesis adds the zone
VISIT = "{{ a | date }} at {{ a | time }}"
ON_THE_CONTACTS_CLOCK = [
    ("2026-12-05T15:00Z", NEW_YORK, "Saturday, December 5 at 10:00 AM"),
    ("2026-12-06T02:30:00+00:00", LOS_ANGELES, "Saturday, December 5 at 6:30 PM"),
    ("2026-12-05 15:00:00 UTC", BERLIN, "Saturday, December 5 at 4:00 PM"),
    ("2026-12-05 15:00:00 +0000", TOKYO, "Sunday, December 6 at 12:00 AM"),
    ("20261205T150000Z", NEW_YORK, "Saturday, December 5 at 10:00 AM"),
    ("2026-12-05T15:00:00.000-08:00", NEW_YORK, "Saturday, December 5 at 6:00 PM"),
    ("2026-07-05T15:00Z", BERLIN, "Sunday, July 5 at 5:00 PM"),  # summer time
    ("2026-12-06T00:00:00Z", NEW_YORK, "Saturday, December 5 at 7:00 PM"),
    ("2026-12-05T15:00Z", "America/New_York,America/Detroit", "Saturday, December 5 at 10:00 AM"),
    ("2026-12-05T15:00", TOKYO, "Saturday, December 5 at 3:00 PM"),  # without an offset it stays as written
]


@pytest.mark.parametrize(("written", "zone", "spoken"), ON_THE_CONTACTS_CLOCK)
def test_a_time_with_an_offset_is_said_as_the_contacts_clock_shows_it(written, zone, spoken):
    assert Template(VISIT).render({"a": written}, zone) == spoken


@pytest.mark.parametrize(
    ("source", "written", "zone", "why"),
    [
        (VISIT, "2026-12-05T15:00Z", None, "the contact no time zone"),
        (VISIT, "9999-12-31T23:59Z", "Pacific/Kiritimati", "cannot be meant: the year is 9999"),
        (VISIT, "0001-01-01T00:00Z", "America/New_York", "cannot be meant: the year is 0001"),
        (VISIT, "2026-12-05T15:00Z", "America/New_York,America/Chicago", "not the same in the 2 time zones"),
        ("{{ a | date }}", "2026-12-06T05:30Z", "America/New_York,America/Chicago", "not the same in the 2"),
        ("{{ a | time }}", "15:00Z", NEW_YORK, "an offset and no date"),
        ("{{ a | time }}", "15:00+01:00", NEW_YORK, "an offset and no date"),
        ("{{ a | date }}", "2026-12-05T00:00:00.000Z", NEW_YORK, "another day on the contact's clock"),
        ("{{ a | date }}", "2026-12-05T00:00:00+03:00", BERLIN, "another day on the contact's clock"),
        (VISIT, "2026-12-05T15:00-16:00", NEW_YORK, "no clock differs from UTC by -1600"),
        (VISIT, "2026-12-05T08:00+15:30", NEW_YORK, "no clock differs from UTC by +1530"),
        (VISIT, "2026-12-05 09:00-10:00", NEW_YORK, "may mean 09:00 to 10:00"),
        ("{{ a | time(read='%d.%m.%Y %H:%M%z') }}", "05.12.2026 15:00-16:00", NEW_YORK, "no clock differs"),
        (VISIT, "2026-12-05 09:00-09:30", NEW_YORK, "may mean 09:00 to 09:30"),
    ],
)
def test_a_moment_of_which_the_contacts_clock_is_not_known_is_refused(source, written, zone, why):
    with pytest.raises(BadText) as refused:
        Template(source).render({"a": written}, zone)
    assert why in str(refused.value)
    assert refused.value.suggestion


@pytest.mark.parametrize("written", ["20261205", "2026-12-05", "2026-W49-6", "2026W496"])
def test_a_date_without_a_time_is_never_said_as_midnight(written):
    assert Template("{{ a | date }}").render({"a": written}) == "Saturday, December 5"
    with pytest.raises(BadText, match="a date without a time"):
        Template("{{ a | time }}").render({"a": written})


@pytest.mark.parametrize(
    "written", ["2026", "1500", "15", "46361.625", "1764946800", "3:00 PM", "12/5/2026", "20261205 5"]
)
def test_digits_that_are_no_time_as_people_write_it_are_refused(written):
    for name in ("date", "time"):
        with pytest.raises(BadText, match=r"not a date or time|can mean"):
            Template(f"{{{{ a | {name} }}}}").render({"a": written})


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("2026-12-05T14:59:59.999", "3:00 PM"),
        ("14:59:59.9999999", "3:00 PM"),
        ("2026-12-05 08:59:59.5", "9:00 AM"),
        ("2026-12-05T14:59:59", "2:59 PM"),
        ("2026-12-05T23:59:59.999", "11:59 PM"),  # the end of the day is no beginning of it
        ("23:59:59.999999", "11:59 PM"),
    ],
)
def test_a_fraction_of_a_second_is_rounded_and_stays_in_its_day(written, spoken):
    assert Template("{{ a | time }}").render({"a": written}) == spoken


@pytest.mark.parametrize(
    "source",
    [
        "{{ a | time(read='%d.%m.%Y') }}",
        "{{ a | date(read='%d.%m.') }}",
        "{{ a | date(read='%H:%M') }}",
        "{{ a | time(read='%I:%M') }}",
        "{{ a | date(read='%Y') }}",
    ],
)
def test_a_format_that_reads_no_such_thing_is_refused(source):
    with pytest.raises(BadText, match="it lacks"):
        Template(source).render({"a": "05.12.2026"})


def test_what_was_made_of_each_value_can_be_seen():
    template = Template("{{ name }}: {{ sum | money('USD') }} by {{ due | time }}, {{ code | spell }}")
    fields = {"name": "Amelia", "sum": "33.3333", "due": "2026-12-05T15:00Z", "code": "A1"}
    assert template.speak(fields, NEW_YORK).values == (
        ("sum", "33.3333", "33.33 US dollars", "rounded"),
        ("due", "2026-12-05T15:00Z", "10:00 AM", "in the contact's time zone"),
        ("code", "A1", "A, 1", ""),
    )


@pytest.mark.slow
@given(
    moment=st.datetimes(*YEARS, timezones=st.sampled_from([UTC, ZoneInfo(TOKYO)])),
    form=st.sampled_from(["T", " "]),
    zone=st.sampled_from([NEW_YORK, BERLIN, TOKYO, "Asia/Kathmandu"]),
)
def test_a_moment_as_an_export_writes_it_is_said_in_the_contacts_zone(moment, form, zone):
    local = moment.astimezone(ZoneInfo(zone))
    spoken = Template("{{ a | time('de') }}").render({"a": moment.replace(microsecond=0).isoformat(form)}, zone)
    assert spoken == f"{local:%H:%M}"
