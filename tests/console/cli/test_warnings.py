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
    told = " ".join(said.err.split())
    assert "Note: The shortest message takes about 2.0 s" in told
    assert all(remedy in told for remedy in ("dialer notifications", "data_api_url", "poll_seconds"))
    note = said.err.partition("Error: ")[0]  # an error is one line, so that a pipe has it whole
    assert max(map(len, note.splitlines())) <= 80


def test_machines_are_told_too_and_longer_texts_are_no_matter(tmp_path: Path):
    shell = Shell.prepared(tmp_path)
    assert shell.run("check", "first.yaml", "--json").json["warnings"] == []
    shell.write("first.yaml", SHORT)
    (warning,) = shell.run("check", "first.yaml", "--json").json["warnings"]
    assert "unknown" in warning
