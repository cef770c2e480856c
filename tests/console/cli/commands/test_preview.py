"""`dialer preview`: what one contact would hear, as it would be said."""

from __future__ import annotations

import re

import pytest

from tests.support.shell import CONTACTS, Shell

WEBEX = '[accounts.main]\nprovider = "webex"\nservice_key = "sandbox-key"\n'


@pytest.fixture
def shell(tmp_path):
    return Shell.prepared(tmp_path)


def test_a_contacts_text_is_printed_with_its_length_and_its_seconds(shell):
    ran = shell.run("preview", "first.yaml", "--row", "3")
    assert ran.code == 0
    assert "Hello Bob, this is a reminder of your appointment. Goodbye." in " ".join(ran.out.split())
    assert "59 characters, about 4 s" in ran.out
    assert "+12125550102" not in ran.out, "numbers are masked"
    facts = shell.run("preview", "first.yaml", "--row", "3", "--json").json
    assert (facts["line"], facts["characters"], facts["rejected"]) == (3, 59, None)


def test_without_a_row_the_first_contact_is_shown(shell):
    assert "Hello Alice" in shell.run("preview", "first.yaml").out


def test_a_row_that_is_not_called_says_why(shell):
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n")
    ran = shell.run("preview", "first.yaml", "--row", "5")
    assert (ran.code, "too short" in ran.out) == (1, True)
    assert shell.run("preview", "first.yaml", "--row", "5", "--json").json["rejected"]["code"] == "invalid_number"


def test_a_line_without_a_row_is_named(shell):
    ran = shell.run("preview", "first.yaml", "--row", "77")
    assert (ran.code, "no row begins in line 77" in ran.err, "last row is in line 4" in ran.err) == (1, True, True)


def test_a_contact_may_have_a_voice_of_its_own(shell):
    shell.write("dialer.toml", WEBEX)
    campaign = (shell.folder / "first.yaml").read_text()
    shell.write("first.yaml", campaign.replace("first.csv\n", "first.csv\n  language: lang\n  voice: voice\n"))
    shell.write("first.csv", "phone,name,lang,voice\n+14155550101,Uwe,de-DE,ConradNeural\n+14155550102,Ann,,\n")
    own = shell.run("preview", "first.yaml", "--json").json
    assert own["voice"] == {"language": "de-DE", "voice": "ConradNeural"}
    assert shell.run("preview", "first.yaml", "--row", "3", "--json").json["voice"] == {}


def test_what_goes_to_the_provider_beside_the_text_is_shown(shell):
    shell.write("dialer.toml", WEBEX)
    with (shell.folder / "first.yaml").open("a") as file:
        file.write('priority: 3\ncallback_data: "visit of {{ name }}"\n')
    facts = shell.run("preview", "first.yaml", "--row", "3", "--json").json
    assert (facts["priority"], facts["callback_data"]) == (3, "visit of Bob")
    lines = [" ".join(line.split()) for line in shell.run("preview", "first.yaml", "--row", "3").out.splitlines()]
    assert "priority 3, high" in lines
    assert "sends back visit of Bob" in lines
    assert "priority 3, high" in " ".join(shell.run("plan", "first.yaml").out.split())
    assert shell.run("plan", "first.yaml", "--json").json["priority"] == 3


def test_a_voice_where_there_is_none_to_choose_is_the_definitions_fault(shell):
    campaign = (shell.folder / "first.yaml").read_text()
    shell.write("first.yaml", campaign.replace("first.csv\n", "first.csv\n  language: name\n"))
    ran = shell.run("preview", "first.yaml")
    assert (ran.code, "contacts.language" in ran.err, "one voice" in ran.err) == (1, True, True)


SUMS = (
    "phone,name,sum,at\n+12125550102,Ann,33.3333333333333,2026-12-05T15:00Z\n+12125550103,Bob,12.50,2026-12-05T15:00\n"
)
SAYS_SUMS = "tts: Hello {{ name }}. You owe {{ sum | money('USD') }}, by {{ at | time }}."


def said_sums(shell) -> None:
    shell.write("first.csv", SUMS)
    campaign = (shell.folder / "first.yaml").read_text()
    shell.write("first.yaml", re.sub(r"tts: .*", SAYS_SUMS, campaign))


def test_a_preview_shows_what_is_made_of_each_value(shell):
    said_sums(shell)
    ran = shell.run("preview", "first.yaml")
    assert "You owe 33.33 US dollars, by 10:00 AM." in ran.out
    lines = [line.split("  ") for line in ran.out.splitlines()]
    shown = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["sum", "33.3333333333333", "33.33 US dollars", "rounded"] in shown
    assert ["at", "2026-12-05T15:00Z", "10:00 AM", "in the contact's time zone"] in shown
    values = shell.run("preview", "first.yaml", "--row", "3", "--json").json["values"]
    assert values == [
        {"name": "sum", "value": "12.50", "spoken": "12.50 US dollars", "change": ""},
        {"name": "at", "value": "2026-12-05T15:00", "spoken": "3:00 PM", "change": ""},
    ]


def test_a_check_names_the_values_that_are_said_with_another_meaning(shell):
    said_sums(shell)
    warnings = shell.run("check", "first.yaml", "--json").json["warnings"]
    assert 'sum: 1 value is said rounded; in line 2 "33.3333333333333" as "33.33 US dollars"' in warnings
    assert 'at: 1 value is said in the contact\'s time zone; in line 2 "2026-12-05T15:00Z" as "10:00 AM"' in warnings
    assert len([warning for warning in warnings if "said" in warning]) == 2, "Bob hears what is written"
