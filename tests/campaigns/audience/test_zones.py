"""Where a contact is: by its column, else by its number, else by the campaign – and nobody is called on a guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from campaigns.audience.rejects import RejectCode
from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import zone_named, zone_names, zones_of
from dialer.phone import parse, zones
from tests.support.campaign_files import read_list

OFFICE = {"zone": "America/New_York", "windows": {"mon-fri": "09:00-18:00"}}
CAMPAIGNS, ALASKA = "America/New_York", "America/Anchorage"


def read_zones(folder, text: str, **contacts):
    audience = read_list(folder, text, schedule=OFFICE, **contacts)
    return [contact.zone for contact in audience.contacts()], [(one.code, one.column) for one in audience.rejects]


@pytest.mark.parametrize(
    ("number", "column", "zone"),
    [
        ("+14155550101", ALASKA, ALASKA),  # the column knows best
        ("+14155550101", "", "America/Los_Angeles"),  # else the area code
        ("+12125550101", "", "America/New_York"),
        ("+18085550101", "", "Pacific/Honolulu"),
        ("+17015550101", "", "America/Denver,America/North_Dakota/Center"),  # North Dakota lies in two
        ("+442079460101", "", "Europe/London"),
        ("+870773123456", "", CAMPAIGNS),  # a satellite's may be anywhere
    ],
)
def test_the_column_comes_before_the_number_and_the_number_before_the_campaign(tmp_path, number, column, zone):
    allowed = ["satellite", "international"]
    found, rejected = read_zones(tmp_path, f"phone,zone\n{number},{column}\n", zone="zone", allow=allowed)
    assert (found, rejected) == ([zone], [])


def test_a_number_is_not_asked_when_the_campaign_says_so(tmp_path):
    assert read_zones(tmp_path, "phone\n+14155550101\n", zone_by_number="false") == ([CAMPAIGNS], [])


@pytest.mark.slow
def test_a_number_that_may_be_in_zones_without_a_common_hour_is_rejected_and_not_called_on_a_guess(tmp_path):
    """A Russian mobile may be in Kaliningrad or in Kamchatka, ten hours apart."""
    assert read_zones(tmp_path, "phone\n+79161234567\n") == ([], [(RejectCode.BAD_ZONE, "phone")])
    assert read_zones(tmp_path, "phone,zone\n+79161234567,Europe/Moscow\n", zone="zone") == (["Europe/Moscow"], [])


@pytest.mark.parametrize(
    ("number", "zones_told"),
    [
        ("+77012345678", "Asia/Almaty,Asia/Aqtobe"),  # a Kazakh mobile shares +7 with eleven hours of Russia
        ("+18765550123", "America/Jamaica"),
        ("+18764123456", "America/Jamaica"),
        ("+12423570123", "America/Nassau"),
        ("+447797712345", "Europe/Jersey"),
        ("+447624012345", "Europe/Isle_of_Man"),
        ("+590690001234", "America/Guadeloupe"),
        ("+262692123456", "Indian/Reunion"),
        ("+262639012345", "Indian/Mayotte"),
        ("+212650123456", "Africa/Casablanca,Africa/El_Aaiun"),  # phonenumbers gives the Canaries'
        ("tel:+7-701-234-56-78", "Asia/Almaty,Asia/Aqtobe"),  # written so that phonenumbers has to read it
    ],
)
def test_a_number_is_where_its_region_is_and_not_anywhere_in_its_country_code(tmp_path, number, zones_told):
    windows = {"zone": "Asia/Almaty", "windows": {"mon-sun": "09:00-18:00"}}
    audience = read_list(tmp_path, f"phone\n{number}\n", schedule=windows)
    assert [contact.zone for contact in audience.contacts()] == [zones_told]


@pytest.mark.slow
@pytest.mark.parametrize("number", ["+18005550100", "+78005550101", "+79161234567"])
def test_a_number_that_tells_no_place_is_rejected_with_both_ways_out(tmp_path, number):
    audience = read_list(tmp_path, f"phone\n{number}\n", schedule=OFFICE)
    assert list(audience.contacts()) == []
    (reject,) = audience.rejects
    assert "contacts.zone)" in reject.suggestion
    assert "contacts.zone_by_number: false" in reject.suggestion


def test_several_candidates_are_called_in_the_hours_they_share():
    windows = Windows.parse({"mon-fri": ["09:00-20:00"]})
    dakota = zones_of("America/Chicago,America/Denver")
    opens = windows.next_open(datetime(2026, 12, 1, 12, 0, tzinfo=UTC), *dakota)
    assert opens == datetime(2026, 12, 1, 16, 0, tzinfo=UTC), "nine in Denver"
    assert windows.closes_at(opens, *dakota) == datetime(2026, 12, 2, 2, 0, tzinfo=UTC), "eight in Chicago"


def test_a_last_moment_without_an_offset_is_the_earliest_it_can_mean(tmp_path):
    audience = read_list(tmp_path, "phone,until\n+17015550101,2026-12-05T15:00\n", schedule=OFFICE, not_after="until")
    assert [one.not_after for one in audience.contacts()] == [datetime(2026, 12, 5, 21, 0, tzinfo=UTC)]


def test_every_zone_that_a_number_can_tell_is_one_that_we_know():
    told = {zone for names in TIMEZONE_DATA.values() for zone in names} - {"Etc/Unknown"}
    assert told <= zone_names()


def test_a_number_that_nobody_can_place_tells_no_zone():
    assert zones(parse("+80012345678")) == ()
    assert zone_named(zones(parse("+14155550101"))[0])
