"""A campaign file says what it means, and everything wrong with it is named at once, each thing at its place."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from campaigns.calendar import Windows, zone_named
from campaigns.definition import Definition, json_schema, load_definition
from campaigns.source import DefinitionFaults
from dialer.calls import Outcome, Recording, Speech

FULL = """\
campaign: appointments
account: main
contacts:
  file: appointments.csv
  phone: phone
  country: us
  zone: timezone
  not_after: appointment_at
message:
  tts: "Hello {{ name }}"
  voice: {language: en-US, voice: AriaNeural, gender: female}
caller_id: "+18005550100"
ring_timeout: 25
dtmf: "..1"
direction: out
schedule:
  zone: America/New_York
  windows: {mon-fri: ["09:00-12:30", "13:00-20:00"], sat: "10:00-14:00"}
  start: 2026-12-01T09:00
  end: 2026-12-05T20:00
retry:
  max_attempts: 3
  busy: [5m, 15m]
  no_answer: [30m, 2h]
  rejected: []
  failed: 1m
pace: 2.5
concurrency: 20
on_unknown: redial
"""
SMALL = """\
campaign: first
account: main
contacts:
  file: first.csv
message:
  tts: "Hello"
caller_id: "+18005550100"
"""


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> Definition:
        file = tmp_path / "campaign.yaml"
        file.write_text(text, encoding="utf-8")
        return load_definition(file)

    return load


@pytest.fixture
def faults_of(load):
    def faults_of(text: str):
        with pytest.raises(DefinitionFaults) as refused:
            load(text)
        return refused.value.faults

    return faults_of


def test_every_key_arrives_where_the_dial_path_reads_it(load):
    definition = load(FULL)
    assert (definition.campaign, definition.account) == ("appointments", "main")
    assert definition.contacts.country == "US"
    assert definition.caller_id == "+18005550100"
    assert (definition.ring_timeout, definition.dtmf, definition.direction) == (25, "..1", "out")
    assert definition.script("Hello Ann") == Speech(
        text="Hello Ann", voice={"language": "en-US", "voice": "AriaNeural", "gender": "female"}
    )
    assert definition.windows == Windows.parse({"mon-fri": ["09:00-12:30", "13:00-20:00"], "sat": ["10:00-14:00"]})
    assert definition.starts_at == datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    assert definition.ends_at == datetime(2026, 12, 6, 1, 0, tzinfo=UTC)
    assert (definition.pace, definition.concurrency, definition.on_unknown) == (2.5, 20, "redial")
    assert not definition.says_the_same_to_all


def test_retries_are_a_policy_by_outcome_with_one_cap(load):
    policy = load(FULL).retry_policy()
    assert policy.max_attempts == 3
    assert policy.delays[Outcome.BUSY] == (timedelta(minutes=5), timedelta(minutes=15))
    assert policy.delays[Outcome.NO_ANSWER] == (timedelta(minutes=30), timedelta(hours=2))
    assert policy.delays[Outcome.REJECTED] == ()
    assert policy.delays[Outcome.FAILED] == (timedelta(minutes=1),)


def test_without_a_retry_section_each_contact_gets_one_attempt(load):
    policy = load(SMALL).retry_policy()
    assert policy.delay_after(Outcome.BUSY, same_outcomes=1, attempts=1) is None


def test_a_small_file_means_any_time_at_the_accounts_pace(load):
    definition = load(SMALL)
    assert definition.windows.is_open(datetime(2026, 12, 1, 3, 0, tzinfo=UTC), zone_named("UTC"))
    assert (definition.starts_at, definition.ends_at, definition.pace, definition.concurrency) == (None,) * 4
    assert (definition.ring_timeout, definition.dtmf, definition.direction, definition.on_unknown) == (
        30,
        None,
        "in",
        "report",
    )
    assert definition.says_the_same_to_all


@pytest.mark.parametrize("written", ["1561", '"1561"'])
def test_a_recordings_id_is_text_however_it_is_written(load, written):
    definition = load(SMALL.replace('tts: "Hello"', f"media: {written}"))
    assert definition.script() == Recording(media_id="1561")
    assert definition.says_the_same_to_all
    assert definition.template is None


def test_an_unquoted_number_with_its_plus_is_read_as_it_stands(load):
    assert load(SMALL.replace('"+18005550100"', "+18005550100")).caller_id == "+18005550100"


def test_norway_is_a_country(load):
    assert load(FULL.replace("country: us", "country: NO")).contacts.country == "NO"


def test_a_moment_with_an_offset_needs_no_zone(load):
    definition = load(SMALL + "schedule:\n  end: 2026-12-05T20:00+03:00\n")
    assert definition.ends_at == datetime(2026, 12, 5, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", [FULL, SMALL, SMALL.replace('tts: "Hello"', "media: 7")])
def test_a_definition_comes_back_from_the_ledger_as_it_was(load, text):
    definition = load(text)
    again = Definition.model_validate_json(definition.model_dump_json())
    assert again == definition
    assert again.model_dump_json() == definition.model_dump_json()
    assert again.windows == definition.windows
    assert again.retry_policy() == definition.retry_policy()
    assert (again.starts_at, again.ends_at) == (definition.starts_at, definition.ends_at)


def test_a_definition_cannot_be_changed_once_read(load):
    with pytest.raises(ValueError, match="frozen"):
        load(SMALL).pace = 100


@pytest.mark.parametrize(
    ("wrong", "line", "column", "key", "said", "suggested"),
    [
        # keys
        ("acount: main", 2, 1, "acount", "no such key", "did you mean account?"),
        ("caller-id: x", 2, 1, "caller-id", "no such key", "did you mean caller_id?"),
        ("windows: {}", 2, 1, "windows", "no such key", "it belongs at schedule.windows"),
        ("on: x", 2, 1, "on", "no such key", ""),  # true, to YAML 1.1
        ("colour: red", 2, 1, "colour", "no such key", "the keys here are campaign, account"),
        ("schedule:\n  zones: UTC", 3, 3, "schedule.zones", "no such key", "did you mean zone?"),
        # numbers
        ("ring_timeout: thirty", 2, 15, "ring_timeout", 'a whole number, found "thirty"', ""),
        ("ring_timeout: 2.5", 2, 15, "ring_timeout", "a whole number", ""),
        ("ring_timeout: 4", 2, 15, "ring_timeout", "at least 5", ""),
        ("ring_timeout: 121", 2, 15, "ring_timeout", "at most 120", ""),
        ("ring_timeout: 00:30", 2, 15, "ring_timeout", "a whole number", ""),  # 30, to YAML 1.1
        ("pace: 0", 2, 7, "pace", "more than 0", ""),
        ("pace: .nan", 2, 7, "pace", "a number", ""),
        ("pace: inf", 2, 7, "pace", "", ""),
        ("concurrency: [1]", 2, 14, "concurrency", "found a list", ""),
        # words
        ("direction: sideways", 2, 12, "direction", "expected in or out", ""),
        ("on_unknown: no", 2, 13, "on_unknown", 'expected report or redial, found "no"', ""),
        ("dtmf: 1,2", 2, 7, "dtmf", "does not fit", "digits"),
        ("dtmf: 1 2", 2, 7, "dtmf", "does not fit", "digits"),
        # sections
        ("retry: 3", 2, 8, "retry", "expected a section", "max_attempts"),
        ("schedule: [mon]", 2, 11, "schedule", "expected a section", "zone, windows"),
        # schedule
        ("schedule: {zone: America/NewYork}", 2, 18, "schedule.zone", "no time zone", "America/New_York"),
        ("schedule: {zone: EST5PDT}", 2, 18, "schedule.zone", "no time zone", ""),
        ('schedule: {windows: {mon: "9-17"}}', 2, 27, "schedule.windows.mon", "range of hours", "09:00-12:30"),
        ("schedule: {windows: {mon: 09:00}}", 2, 27, "schedule.windows.mon", "range of hours", "09:00-12:30"),
        ('schedule: {windows: {mun: "09:00-17:00"}}', 2, 22, "schedule.windows.mun", "not a weekday", "sun"),
        ('schedule: {windows: {mon: "09:00-17:00"}}', 2, 11, "schedule", "without a zone", "add zone"),
        ("schedule: {zone: UTC, windows: {}}", 2, 11, "schedule", "never open", "leave windows out"),
        ("schedule: {zone: UTC, windows: {mon: []}}", 2, 11, "schedule", "never open", "leave windows out"),
        ("schedule: {start: 2026-12-01}", 2, 19, "schedule.start", "a date without a time", "T15:00"),
        ("schedule: {start: 1.12.2026 09:00}", 2, 19, "schedule.start", "not a date and time", "T15:00"),
        ("schedule: {start: 2026-12-01T09:00}", 2, 11, "schedule", "start is given without a zone", "offset"),
        ("schedule: {end: 2026-12-01T09:00Z, start: 2026-12-01T10:00+01:00}", 2, 11, "schedule", "before start", ""),
        # retry
        ("retry: {busy: [5m]}", 2, 1, "retry.max_attempts", "is missing", "at the most"),
        ("retry: {max_attempts: 0}", 2, 23, "retry.max_attempts", "at least 1", ""),
        ("retry: {max_attempts: 2, busy: [5m, 300]}", 2, 37, "retry.busy[2]", "not a duration", "30s, 5m, 2h"),
        ("retry: {max_attempts: 2, busy: [5 m]}", 2, 33, "retry.busy[1]", "not a duration", "30s, 5m, 2h"),
        ("retry: {max_attempts: 2, busy: [0s]}", 2, 33, "retry.busy[1]", "too short", "1s"),
        ("retry: {max_attempts: 2, busy: [9999999999d]}", 2, 33, "retry.busy[1]", "too long", "30d"),
        ("retry: {max_attempts: 2, buzy: [5m]}", 2, 26, "retry.buzy", "no such key", "did you mean busy?"),
    ],
)
def test_a_fault_is_named_with_place_key_and_remedy(faults_of, wrong, line, column, key, said, suggested):
    lines = SMALL.splitlines()
    (fault,) = faults_of("\n".join([lines[0], wrong, *lines[1:]]))
    assert (fault.line, fault.column, fault.key) == (line, column, key)
    assert said in fault.message
    assert suggested in fault.suggestion


@pytest.mark.parametrize(
    ("right", "wrong", "key", "said", "suggested"),
    [
        ("campaign: first", "campaign: my first", "campaign", "does not fit", "letters, digits and dashes"),
        ("campaign: first", "campaign: -first", "campaign", "does not fit", "letters, digits and dashes"),
        ("campaign: first", f"campaign: {'a' * 61}", "campaign", "at most 60 characters", ""),
        ("account: main", "account:", "account", "has no value", "write a value"),
        ("account: main", 'account: ""', "account", "is empty", "account in the settings"),
        ("account: main", "acount: main", "acount", "no such key", "did you mean account?"),  # named once
        ("  file: first.csv", "  phone: phone", "contacts.file", "is missing", "CSV file"),
        ("  file: first.csv", "  file: first.csv\n  country: UK", "contacts.country", "no country", "did you mean GB?"),
        ('"+18005550100"', "18005550100", "caller_id", "no country code", 'write "+18005550100"'),
        ('"+18005550100"', '"+1800555"', "caller_id", "too short", "check the digits"),
        ('"+18005550100"', '"CallUs"', "caller_id", "not a phone number", "+"),
        ('"+18005550100"', "[1]", "caller_id", "expected text, found a list", ""),
        ('  tts: "Hello"', "  voice: {}", "message", "says nothing", "write tts or media"),
        ('  tts: "Hello"', "  tts: Hi\n  media: 7", "message", "both tts and media", "keep one"),
        ('  tts: "Hello"', "  media: 7\n  voice: {gender: male}", "message", "speaks for itself", "remove voice"),
        ('  tts: "Hello"', '  tts: ""', "message.tts", "is empty", "Text to speak"),
        ('  tts: "Hello"', '  tts: "Hello {{ First Name }}"', "message.tts", "line 1 of the text", "{{ first_name }}"),
        ('  tts: "Hello"', "  tts: |\n    Hello\n    {{ name", "message.tts", "line 2 of the text", ""),
        ('  tts: "Hello"', '  tts: "Hello \\ud83d"', "message.tts", "", ""),  # half a character
        ('  tts: "Hello"', '  tts: "  "', "message.tts", "comes out empty", ""),
        ('  tts: "Hello"', "  tts: \"{{ ''.__class__ }}\"", "message.tts", "unsafe", ""),
        ('  tts: "Hello"', "  tts: '{{ 1 / 0 }}'", "message.tts", "division by zero", ""),
        ('message:\n  tts: "Hello"', "message: Hello", "message", "expected a section", "tts, media, voice"),
        ('  tts: "Hello"', "  tts: Hi\n  voice: female", "message.voice", "section of keys", ""),
    ],
)
def test_a_wrong_value_is_named_with_its_remedy(faults_of, right, wrong, key, said, suggested):
    (fault,) = faults_of(SMALL.replace(right, wrong))
    assert fault.key == key
    assert fault.line > 0
    assert said in fault.message
    assert suggested in fault.suggestion


def test_all_faults_are_named_at_once_and_in_the_files_order(faults_of):
    faults = faults_of(
        """\
campaign: my first
acount: main
contacts:
  country: UK
message:
  tts: "{{ name"
caller_id: 18005550100
schedule:
  zone: Mars
  windows: {mon-fry: ["9-17", "09:00-12:00"]}
schedule:
  zone: UTC
retry:
  busy: [5]
"""
    )
    assert [fault.key for fault in faults] == [
        "campaign",
        "acount",
        "contacts.file",
        "contacts.country",
        "message.tts",
        "caller_id",
        "schedule.zone",
        "schedule.windows.mon-fry",
        "schedule.windows.mon-fry[1]",
        "schedule",
        "retry.max_attempts",
        "retry.busy[1]",
    ]


def test_a_fault_prints_as_one_line_that_editors_can_follow(load, tmp_path):
    with pytest.raises(DefinitionFaults) as refused:
        load(SMALL.replace("account", "acount"))
    assert str(refused.value) == f"{tmp_path}/campaign.yaml:2:1: acount: there is no such key – did you mean account?"


def test_a_fault_of_a_definition_from_the_ledger_has_no_place_and_still_its_key(load):
    definition = Definition.model_validate_json(load(SMALL).model_dump_json())
    fault = definition.fault(("message", "tts"), "too long")
    assert (fault.file, fault.line, fault.key) == ("first", 0, "message.tts")


def all_fields(model: type[BaseModel]):
    for name, field in model.model_fields.items():
        yield f"{model.__name__}.{name}", field
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from all_fields(part)


def test_every_key_is_described():
    assert [name for name, field in all_fields(Definition) if not field.description] == []


def test_the_schema_knows_every_key_and_no_other():
    schema = json_schema()
    assert set(schema["properties"]) == set(Definition.model_fields)
    objects = [schema, *schema["$defs"].values()]
    assert all(part["additionalProperties"] is False for part in objects)
    assert schema["required"] == ["campaign", "account", "contacts", "message", "caller_id"]


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5m", "09:00-10:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*Definition.model_fields, "message.tts", "schedule.windows", "schedule.end", "retry.busy"]), VALUES
)
def test_any_value_at_any_key_is_taken_or_named(tmp_path_factory, key, value):
    data = yaml.safe_load(FULL)
    section = data
    *above, last = key.split(".")
    for step in above:
        section = section[step]
    section[last] = value
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    with suppress(DefinitionFaults):
        definition = load_definition(file)
        assert Definition.model_validate_json(definition.model_dump_json()) == definition
