"""`dialer preview`: what one contact would hear, as it would be said."""

from __future__ import annotations

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


def test_a_voice_where_there_is_none_to_choose_is_the_definitions_fault(shell):
    campaign = (shell.folder / "first.yaml").read_text()
    shell.write("first.yaml", campaign.replace("first.csv\n", "first.csv\n  language: name\n"))
    ran = shell.run("preview", "first.yaml")
    assert (ran.code, "contacts.language" in ran.err, "one voice" in ran.err) == (1, True, True)
