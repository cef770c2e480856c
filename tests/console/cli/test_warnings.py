"""What may go wrong although nothing is: said by `check` and `start`, in the way of nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.shell import CAMPAIGN, SETTINGS, Shell

SHORT = CAMPAIGN.replace("this is a reminder of your appointment. Goodbye", "call us")


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
    assert shell.run("check", "first.yaml", "--json").json["warnings"] == []
    shell.write("first.yaml", SHORT)
    (warning,) = shell.run("check", "first.yaml", "--json").json["warnings"]
    assert "unknown" in warning
