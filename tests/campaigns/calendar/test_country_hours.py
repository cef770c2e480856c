"""`schedule.by_country`: a contact's hours and holidays are those of the country in which its zone is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.calendar.calling_hours import call_evidence, next_opening
from campaigns.calendar.zones import zone_named
from campaigns.definition import load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.clone import definition_yaml
from tests.support.campaign_files import SMALL
from tests.support.seeding import definition

BY_COUNTRY = {
    "CA": {"windows": {"mon-sat": "08:00-21:00", "sun": "13:00-17:00"}, "holidays": ["CA", "CA-ON"]},
    "AU": {"holidays": "AU"},
    "FR": {"windows": {"mon-fri": ["10:00-13:00", "14:00-20:00"]}},
}
SCHEDULE = {"zone": "America/New_York", "windows": {"mon-sun": "08:00-21:00"}, "holidays": "US"}
HOURS = definition(schedule={**SCHEDULE, "by_country": BY_COUNTRY})
SUNDAY_AT_TEN, SATURDAY, THANKSGIVING = "2026-12-06T15:00", "2026-12-05T10:00", "2026-11-26T15:00"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "opens"),
    [
        ("America/New_York", SUNDAY_AT_TEN, SUNDAY_AT_TEN),
        ("America/Toronto", SUNDAY_AT_TEN, "2026-12-06T18:00"),  # from one o'clock on
        ("Canada/Eastern", SUNDAY_AT_TEN, "2026-12-06T18:00"),  # the same zone by an old name
        ("America/New_York,America/Toronto", SUNDAY_AT_TEN, "2026-12-06T18:00"),  # when both allow it
        ("Europe/Paris", SATURDAY, "2026-12-07T09:00"),
        ("Europe/London", SATURDAY, SATURDAY),  # a country that is not named
        ("UTC", SATURDAY, SATURDAY),  # no country
        ("America/New_York", THANKSGIVING, "2026-11-27T13:00"),
        ("America/Toronto", THANKSGIVING, THANKSGIVING),
        ("Europe/Paris", THANKSGIVING, "2026-11-27T09:00"),  # without holidays of its own it has those of all
        ("Australia/Sydney", "2026-01-25T23:00", "2026-01-26T21:00"),  # Australia Day, by the hours of all
    ],
)
def test_a_contact_is_called_by_the_hours_of_its_country(zone, now, opens):
    assert next_opening(HOURS, zone, utc(now)) == utc(opens)
    assert HOURS.windows.is_open(utc(opens), *map(zone_named, zone.split(",")))


def test_the_evidence_of_a_call_names_the_hours_of_its_country():
    _, rules = call_evidence(HOURS, "America/Toronto", utc("2026-12-06T18:30"))
    assert rules == "sun 13:00-17:00; no holiday; not on the suppression list"
    assert HOURS.windows.holiday(utc("2026-07-01T15:00"), zone_named("America/Toronto")) == "Canada Day"
    assert HOURS.windows.holiday(utc("2026-07-01T15:00"), zone_named("America/New_York")) is None


def test_zones_of_two_countries_that_share_no_hour_are_known_before_anybody_is_called():
    nights = definition(schedule={**SCHEDULE, "by_country": {"CA": {"windows": {"mon-sun": "22:00-23:00"}}}})
    assert not nights.windows.ever_open(zone_named("America/New_York"), zone_named("America/Toronto"))
    assert nights.windows.ever_open(zone_named("America/Toronto"))


def test_a_definition_that_is_written_out_keeps_the_countries(tmp_path: Path):
    file = tmp_path / "again.yaml"
    file.write_text(definition_yaml(HOURS))
    assert load_definition(file).windows == HOURS.windows


@pytest.mark.parametrize(
    ("by_country", "said", "place"),
    [
        ("{UK: {holidays: GB}}", 'no country has the code "UK"', (11, 16)),
        ("{CA: {holidays: CA}, ca: {holidays: US}}", "CA stands here twice", (11, 15)),
        ("{CA: {windows: {}}}", "windows never open", (11, 20)),
        ("{CA: {windows: {mon: '9-17'}}}", "is not a range", (11, 36)),
        ("{CA: {hours: {mon: '09:00-17:00'}}}", "there is no such key", (11, 21)),
    ],
)
def test_bad_hours_of_a_country_are_named_with_their_place(tmp_path: Path, by_country, said, place):
    file = tmp_path / "bad.yaml"
    windows = "schedule:\n  zone: UTC\n  windows: {mon-sun: '08:00-21:00'}\n"
    file.write_text(f"{SMALL}{windows}  by_country: {by_country}\n")
    with pytest.raises(DefinitionFaults) as refused:
        load_definition(file)
    (fault,) = refused.value.faults
    assert said in fault.message
    assert fault.suggestion
    assert (fault.line, fault.column) == place


def test_hours_of_a_country_need_those_of_all_others(tmp_path: Path):
    file = tmp_path / "bad.yaml"
    file.write_text(f"{SMALL}schedule: {{by_country: {{CA: {{holidays: CA}}}}}}\n")
    with pytest.raises(DefinitionFaults, match="by_country is given without windows"):
        load_definition(file)
