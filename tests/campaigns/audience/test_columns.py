"""A list and its definition belong together: what one speaks of, the other has; what all would hear can be spoken."""

from __future__ import annotations

from functools import partial

import pytest

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.definition.yaml_source import DefinitionFaults
from dialer.providers.provider import ScriptFault
from dialer.scripts import Script, Speech
from tests.support.campaign_files import GOOD, read_list


@pytest.fixture
def audience_of(tmp_path):
    return partial(read_list, tmp_path)


def short_texts(script: Script) -> ScriptFault | None:
    """A provider that speaks up to twelve characters, none of them Greek, and knows one voice."""
    if isinstance(script, Speech):
        if script.voice.get("voice", "Guy") != "Guy":
            return ScriptFault(code="voice", reason="no such voice", suggestion="Guy")
        if len(script.text) > 12:
            return ScriptFault(code="text_too_long", reason=f"{len(script.text)} characters, 12 at most")
        if "Ω" in script.text:
            return ScriptFault(code="characters", reason="Greek")
    elif not script.media_id.isdigit():
        return ScriptFault(code="media", reason="not a number")
    return None


def test_what_the_provider_cannot_speak_is_rejected_row_by_row(audience_of):
    audience = audience_of(
        "phone,name\n+14155550101,Ann\n+14155550102,Maximilian\n+14155550103,Ω\n",
        message={"tts": "Hello {{ name }}"},
        check_script=short_texts,
    )
    assert [contact.text for contact in audience.contacts()] == ["Hello Ann"]
    assert [(r.line, r.code, r.reason) for r in audience.rejects] == [
        (3, "text_too_long", "16 characters, 12 at most"),
        (4, "characters", "Greek"),
    ]
    assert audience.summary.text_too_long == 1
    assert audience.summary.other == 1


@pytest.mark.parametrize(
    ("message", "key", "said"),
    [
        ({"tts": "Hello everybody here"}, "message.tts", "20 characters"),
        ({"media": "abc"}, "message.media", "not a number"),
        ({"tts": "Hi", "voice": {"voice": "Zoe"}}, "message.voice", "no such voice"),
        ({"tts": "Hi {{ name }}", "voice": {"voice": "Zoe"}}, "message.voice", "no such voice"),
    ],
)
def test_a_fault_that_everybody_would_hear_is_the_definitions(audience_of, message, key, said):
    with pytest.raises(DefinitionFaults) as refused:
        audience_of(f"phone,name\n{GOOD},Ann\n", message=message, check_script=short_texts)
    (fault,) = refused.value.faults
    assert fault.key == key
    assert said in fault.message


def test_a_recording_gives_contacts_no_text(audience_of):
    (contact,) = audience_of(f"phone\n{GOOD}\n", message={"media": "1561"}, check_script=short_texts).contacts()
    assert contact.text is None


def test_every_column_that_is_missing_is_named_at_once_with_those_there_are(audience_of):
    with pytest.raises(DefinitionFaults) as refused:
        audience_of(
            f"Mobile,First Name,Nmae\n{GOOD},Ann,x\n",
            zone="tz",
            not_after="until",
            message={"tts": "Hello {{ name }} of {{ city }}"},
        )
    faults = {fault.key: fault for fault in refused.value.faults}
    assert set(faults) == {"contacts.phone", "contacts.zone", "contacts.not_after", "message.tts"}
    assert faults["contacts.phone"].message == 'contacts.csv has no column "phone"'
    assert "its columns are Mobile, First Name, Nmae" in faults["contacts.phone"].suggestion
    assert any("did you mean Nmae?" in fault.suggestion for fault in refused.value.faults)
    assert sum(fault.key == "message.tts" for fault in refused.value.faults) == 2


def test_two_columns_for_the_number_are_refused(audience_of):
    with pytest.raises(DefinitionFaults, match='"phone" is the name of 2 columns'):
        audience_of(f"phone,Phone_\n{GOOD},{GOOD}\n")


@pytest.mark.parametrize("above", ["# exported 2026-11-29", "Customers of March", "Report 20261129001;;"])
def test_a_line_above_the_column_names_is_named_with_what_to_do(audience_of, above):
    with pytest.raises(DefinitionFaults) as refused:
        audience_of(f"{above}\nphone;name\n{GOOD};Ann\n", message={"tts": "Hello {{ name }}"})
    assert [fault.key for fault in refused.value.faults] == ["contacts.phone", "message.tts"]
    assert {fault.suggestion for fault in refused.value.faults} == {
        "the columns' names stand in line 2: remove what is above it"
    }


def test_a_list_without_column_names_is_told_from_one_with_others(audience_of):
    with pytest.raises(DefinitionFaults, match="first line looks like a contact") as refused:
        audience_of(f"{GOOD},Ann\n+14155550102,Bob\n")
    assert GOOD not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "empty"), ("phone,name\n", "a header and no rows"), ("phone,name\n\n,\n", "a header and no rows")],
)
def test_a_list_with_nobody_on_it_is_named(audience_of, content, said):
    with pytest.raises(BadContactsFile, match=rf"contacts\.csv: the list .*{said}"):
        audience_of(content)


def test_a_list_that_is_not_there_is_named_with_where_it_is_looked_for(audience_of):
    with pytest.raises(BadContactsFile, match=r"other\.csv: no such file") as refused:
        audience_of("phone\n", file="other.csv")
    assert "beside the campaign file" in refused.value.remedy


def test_columns_of_one_name_keep_all_their_values(audience_of):
    (contact,) = audience_of(f"phone,note,Note,\n{GOOD},a,b,\n").contacts()
    assert contact.fields == {"note": "a", "note_2": "b"}


def test_a_template_that_names_one_of_two_equal_columns_is_refused(audience_of):
    with pytest.raises(DefinitionFaults, match='"note" is the name of 2 columns'):
        audience_of(f"phone,note,Note\n{GOOD},a,b\n", message={"tts": "{{ note }}"})


def test_the_number_itself_can_be_spoken(audience_of):
    (contact,) = audience_of(f"phone\n{GOOD}\n", message={"tts": "You are {{ phone }}"}).contacts()
    assert contact.text == f"You are {GOOD}"
