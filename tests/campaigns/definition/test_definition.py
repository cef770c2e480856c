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

from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import zone_named
from campaigns.definition import Definition, json_schema, load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from dialer.calls import Outcome
from dialer.scripts import Recording, Speech
from tests.support.campaign_files import FULL, SMALL


def test_every_key_arrives_where_the_dial_path_reads_it(load):
    definition = load(FULL)
    assert (definition.campaign, definition.account) == ("appointments", "main")
    assert definition.contacts.country == "US"
    assert definition.caller_id.first == "+18005550100"
    assert (definition.ring_timeout, definition.dtmf, definition.direction) == (25, "..1", "out")
    assert definition.script("Hello Ann") == Speech(
        text="Hello Ann", voice={"language": "en-US", "voice": "AriaNeural", "gender": "female"}
    )
    assert definition.windows == Windows.parse({"mon-fri": ["09:00-12:30", "13:00-20:00"], "sat": ["10:00-14:00"]})
    assert definition.starts_at == datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    assert definition.ends_at == datetime(2026, 12, 6, 1, 0, tzinfo=UTC)
    assert (definition.pace, definition.concurrency, definition.on_unknown) == (2.5, 20, "redial")
    assert not definition.is_same_for_all


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
    assert definition.is_same_for_all


@pytest.mark.parametrize("written", ["1561", '"1561"'])
def test_a_recordings_id_is_text_however_it_is_written(load, written):
    definition = load(SMALL.replace('tts: "Hello"', f"media: {written}"))
    assert definition.script() == Recording(media_id="1561")
    assert definition.is_same_for_all
    assert definition.template is None


def test_an_unquoted_number_with_its_plus_is_read_as_it_stands(load):
    assert load(SMALL.replace('"+18005550100"', "+18005550100")).caller_id.first == "+18005550100"


def test_norway_is_a_country(load):
    assert load(FULL.replace("country: us", "country: NO")).contacts.country == "NO"


def test_a_moment_with_an_offset_needs_no_zone(load):
    definition = load(SMALL + "schedule:\n  end: 2026-12-05T20:00+03:00\n")
    assert definition.ends_at == datetime(2026, 12, 5, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "starts", "ends"),
    [
        ("2026-11-01T01:30", "2026-11-01T06:30Z", "2026-11-01T05:30Z"),  # shown twice
        ("2026-03-08T02:30", "2026-03-08T07:30Z", "2026-03-08T06:30Z"),  # never shown
    ],
)
def test_where_clocks_are_changed_nobody_is_called_at_a_moment_that_may_be_before_start_or_after_end(
    load, written, starts, ends
):
    def moments(key: str) -> tuple[datetime | None, datetime | None]:
        definition = load(SMALL + f"schedule: {{zone: America/New_York, {key}: {written}}}\n")
        return definition.starts_at, definition.ends_at

    assert moments("start") == (datetime.fromisoformat(starts), None)
    assert moments("end") == (None, datetime.fromisoformat(ends))


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
    assert schema["required"] == ["campaign", "account", "contacts", "caller_id"]
    assert (schema["if"], schema["then"]) == ({"not": {"required": ["call"]}}, {"required": ["message"]})


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


@pytest.mark.slow
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
