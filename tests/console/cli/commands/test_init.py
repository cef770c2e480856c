"""`dialer init` writes a campaign that can be checked at once, and never over anything."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.shell import Ran, Shell


@pytest.fixture
def shell(tmp_path):
    return Shell.prepared(tmp_path)


def asked(shell: Shell, file: str, answers: Sequence[str]) -> Ran:
    """`dialer init FILE`, its questions answered in this order."""
    return shell.run("init", file, given="\n".join(answers) + "\n")


def test_without_questions_it_writes_what_can_be_checked_at_once(shell):
    ran = shell.run("init", "spring.yaml", "--yes")
    assert (ran.code, "spring.yaml, campaign.schema.json, contacts.csv" in ran.out) == (0, True)
    assert shell.run("check", "spring.yaml", "--json").json["contacts"] == 2
    again = shell.run("init", "spring.yaml", "--yes")
    assert (again.code, "there already" in again.err) == (1, True)


def test_it_asks_and_proposes_what_the_list_has(shell):
    shell.write("people.csv", "Name;Mobile phone\nAnn;(415) 555-0101\n")
    answers = ["main", "people.csv", "", "US", "", "+18005550100", "America/New_York", ""]
    ran = asked(shell, "asked.yaml", answers)
    assert ran.code == 0, ran.out + ran.err
    assert "[Mobile phone]" in ran.out
    assert "Hello {{ name }}" in (shell.folder / "asked.yaml").read_text()
    assert shell.run("check", "asked.yaml", "--json").json["contacts"] == 1


def test_an_answer_that_cannot_be_is_named_at_its_place(shell):
    answers = ["main", "first.csv", "", "UK", "", "", "", ""]
    ran = asked(shell, "wrong.yaml", answers)
    assert ran.code == 1
    assert "wrong.yaml:8:" in ran.err
    assert "did you mean GB?" in ran.err


def test_a_folder_without_accounts_is_told_the_lines_that_are_missing_and_they_are_enough(tmp_path):
    shell = Shell(tmp_path)
    ran = shell.run("init", "spring.yaml", "--yes")
    assert (ran.code, "Account main is not in the settings yet" in ran.out) == (0, True)
    early = shell.run("check", "spring.yaml")
    assert (early.code, "no account 'main' in the settings" in early.err) == (1, True)
    told = [ran.out.split("dialer.toml:\n")[1].split("Next:")[0], early.err.split("dialer.toml:\n")[1].split("Do:")[0]]
    for lines in told:
        shell.write("dialer.toml", lines)
        assert shell.run("check", "spring.yaml", "--json").json["contacts"] == 2


def test_an_account_that_is_misspelt_is_answered_with_the_nearest(shell):
    (shell.folder / "first.yaml").write_text((shell.folder / "first.yaml").read_text().replace("main", "mian"))
    ran = shell.run("check", "first.yaml")
    assert (ran.code, "did you mean main?" in ran.err) == (1, True)
