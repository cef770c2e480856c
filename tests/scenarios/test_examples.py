"""The examples that ship are campaigns that run: each file loads, each list reads, and the demo meets every fate."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import campaigns
from campaigns.audience.audience import open_list, read_audience
from campaigns.audience.rejects import RejectCode
from campaigns.definition import load_definition

EXAMPLES = Path(campaigns.__file__).parent / "examples"
FATES = {f"{ending:02}" for ending in range(11, 25)} - {"21"}  # 21 replies a minute late: no demo waits for it
DEMOS = {
    "appointments": [
        RejectCode.INVALID_NUMBER,
        RejectCode.INVALID_NUMBER,
        RejectCode.DUPLICATE,
        RejectCode.MISSING_VARIABLE,
        RejectCode.BAD_ZONE,
    ],
    "delivery": [
        RejectCode.INVALID_NUMBER,
        RejectCode.MISSING_VARIABLE,
        RejectCode.BAD_NOT_AFTER,
        RejectCode.DUPLICATE,
        RejectCode.SHORT_ROW,
    ],
}


def read(definition):
    return read_audience(definition, open_list(definition, EXAMPLES))


def audience_of(name):
    return read(load_definition(EXAMPLES / f"{name}.yaml"))


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_example_can_be_read_with_its_list(file):
    definition = load_definition(file)
    assert definition.campaign == file.stem
    assert list(read(definition).contacts())


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_calls_120_people_and_names_the_bad_rows(name):
    audience = audience_of(name)
    contacts = list(audience.contacts())
    assert len(contacts) == 120
    assert [reject.code for reject in audience.rejects] == DEMOS[name]
    assert audience.summary.will_dial == 120


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_meets_every_fate_of_the_sandbox_and_never_the_slow_one(name):
    endings = Counter(contact.phone.e164[-2:] for contact in audience_of(name).contacts())
    assert set(endings) >= FATES - ({"23"} if name == "appointments" else set())
    # CallGear's limit is a minute's: reached, it also stops the looks by which the other calls are followed.
    assert "21" not in endings


@pytest.mark.parametrize("name", [*DEMOS, "first"])
def test_examples_call_reserved_numbers_only(name):
    for contact in audience_of(name).contacts():
        assert contact.phone.e164[5:10] == "55501"


@pytest.mark.parametrize("name", DEMOS)
def test_a_demo_runs_at_any_hour_of_any_day(name):
    definition = load_definition(EXAMPLES / f"{name}.yaml")
    contacts = list(read(definition).contacts())
    for hour in range(0, 24 * 7):
        now = datetime(2026, 10, 30, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
        assert all(definition.windows.is_open(now, ZoneInfo(zone)) for zone in {contact.zone for contact in contacts})
    assert min(contact.not_after for contact in contacts) > datetime(2035, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", DEMOS)
def test_a_demos_retries_come_within_seconds(name):
    policy = load_definition(EXAMPLES / f"{name}.yaml").retry_policy()
    assert policy.max_attempts == 3
    assert all(delay <= timedelta(seconds=3) for delays in policy.delays.values() for delay in delays)


def test_the_first_campaign_is_ten_lines():
    assert len((EXAMPLES / "first.yaml").read_text().splitlines()) <= 10
    assert [contact.text.startswith("Hello ") for contact in audience_of("first").contacts()] == [True] * 3
