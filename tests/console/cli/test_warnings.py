"""What may go wrong although nothing is: said by `check` and `start`, in the way of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell import CAMPAIGN, SETTINGS, Shell

WITH_HOURS = CAMPAIGN + "schedule: {zone: UTC, windows: {mon-sun: '00:00-24:00'}}\n"
SHORT = WITH_HOURS.replace("this is a reminder of your appointment. Goodbye", "call us")


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_text_shorter_than_looks_can_follow_is_named_before_anybody_is_called(tmp_path: Path, command: str):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + 'base_url = "http://127.0.0.1:9"\n')
    shell.write("first.yaml", SHORT)
    said = shell.run(command, "first.yaml")
    assert said.code == (0 if command == "check" else 1), "nobody answers where the account leads"
    note, *others = said.err.splitlines()
    assert note.startswith("Note: The shortest message takes about 2.0 s")
    assert all(remedy in note for remedy in ("dialer notifications", "data_api_url", "poll_seconds"))
    assert [line.partition(":")[0] for line in others] == ([] if command == "check" else ["Error", "Do"])


@pytest.mark.parametrize("command", ["check", "start"])
def test_on_a_terminal_notes_and_errors_are_broken_between_words(tmp_path: Path, command: str):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + 'base_url = "http://127.0.0.1:9"\n')
    shell.write("first.yaml", SHORT)
    code, lines = shell.run_on_terminal(command, "first.yaml")
    assert code == (0 if command == "check" else 1)
    assert max(map(len, lines)) <= 80
    told = " ".join(" ".join(lines).split())
    assert "Note: The shortest message takes about 2.0 s" in told
    assert command == "check" or "no connection to 127.0.0.1:9: refused Do: see that the address is right" in told


def test_machines_are_told_too_and_longer_texts_are_no_matter(tmp_path: Path):
    shell = Shell.prepared(tmp_path)
    shell.write("first.yaml", WITH_HOURS)
    assert shell.run("check", "first.yaml", "--json").json["warnings"] == []
    shell.write("first.yaml", SHORT)
    (warning,) = shell.run("check", "first.yaml", "--json").json["warnings"]
    assert "unknown" in warning


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_campaign_without_calling_hours_is_warned_of_loudly(tmp_path: Path, command: str):
    shell = Shell.prepared(tmp_path, settings=SETTINGS + 'base_url = "http://127.0.0.1:9"\n')
    warning = shell.run(command, "first.yaml").err.splitlines()[0]
    assert warning.startswith("Warning: no calling hours are set")
    assert "also of the night" in warning
    (told,) = shell.run("check", "first.yaml", "--json").json["warnings"]
    assert told.startswith("no calling hours are set")
    shell.write("first.yaml", WITH_HOURS)
    assert "Warning" not in shell.run(command, "first.yaml").err


def test_a_first_campaign_and_a_recurring_one_are_warned_of_too(tmp_path: Path):
    shell = Shell.prepared(tmp_path)
    assert "Warning: no calling hours" in shell.run("init", "--yes", "mine.yaml").err
    assert "Warning" not in shell.run("init", "theirs.yaml", given="\n\n\nUS\n\n\nAmerica/New_York\n\n").err
    shell.write("daily.yaml", CAMPAIGN.replace("first", "daily") + "schedule: {zone: UTC, repeat: '0 9 * * *'}\n")
    shell.write("daily.csv", "phone,name\n+12125550101,Ann\n")
    assert "Warning: no calling hours" in shell.run("schedule", "add", "daily.yaml").err
