"""Streams that are closed or full, and texts that would command a terminal: an error with a remedy, no traceback."""

from __future__ import annotations

import sqlite3
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from console.cli.output import CONTROLS, Screen, print_prose, table
from tests.support.patience import PATIENCE
from tests.support.shell import CONTACTS, DIALER, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


def typed(shell: Shell, line: str) -> subprocess.CompletedProcess[str]:
    """What is installed, called by a shell, which can close streams."""
    command = ["/bin/sh", "-c", line.replace("dialer ", f"{DIALER} ")]
    options = {"capture_output": True, "text": True, "check": False, "timeout": PATIENCE, "errors": "replace"}
    return subprocess.run(command, cwd=shell.folder, env=Shell.environ({}), **options)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_file_of_ours(shell, closed):
    """The ledger would get its number, and what children write to their standard output."""
    line = f"dialer dnc add +14155550101 --reason asked {closed}; dialer dnc list"
    assert "+1415*****01" in typed(shell, line).stdout
    with sqlite3.connect(shell.ledger_file) as ledger:
        assert ledger.execute("pragma integrity_check").fetchone() == ("ok",)


def test_a_question_that_nobody_can_answer_is_no_error_of_ours(shell):
    asked = typed(shell, "dialer init new.yaml <&-")
    assert asked.stderr.strip().endswith("Aborted!")
    assert not (shell.folder / "new.yaml").exists()


@pytest.mark.parametrize("words", ["check first.yaml", "status --json"])
def test_output_that_finds_no_room_is_told_where_there_is_some(shell, words):
    ran = typed(shell, f"dialer {words} >/dev/full")
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: the output could not be written to its end: No space left on device\nDo: ")


def test_an_error_for_machines_that_finds_no_room_is_told_to_people(shell):
    ran = typed(shell, "dialer report nobody --json >/dev/full")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (1, "Error: no campaign 'nobody'")


def test_a_folder_that_is_gone_is_named(shell):
    ran = typed(shell, "mkdir gone && cd gone && rmdir ../gone && dialer status")
    assert ran.stderr.startswith("Error: the current folder is not there any more\nDo: ")


def test_an_argument_that_is_no_text_is_named_as_one(shell):
    ran = typed(shell, "dialer dnc add +14155550101 --reason \"$(printf '\\377')\"")
    assert (ran.returncode, ran.stderr.splitlines()[0]) == (1, "Error: an argument holds bytes that are not UTF-8")


@pytest.mark.parametrize("columns", ["0", "1", "-5"])
def test_a_terminal_without_columns_is_written_to_all_the_same(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    screen = Screen(file=StringIO(), color_system=None)
    shown = table("rows", ">count")
    shown.add_row("read", 3)
    screen.print(shown)
    assert screen.file.getvalue().split() == ["rows", "count", "read", "3"]


COMMANDS = ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\u2066", "\x7f"]


@pytest.mark.parametrize("command", COMMANDS, ids=ascii)
def test_what_others_wrote_commands_no_terminal(command):
    screen = Screen(file=StringIO(), force_terminal=True, width=80, color_system=None)
    screen.print(f"a{command}b")
    print_prose(f"a{command}b", on=screen)
    shown = table("name", "other")
    shown.add_row(f"a{command}b", "c")
    screen.print(shown)
    written = screen.file.getvalue()
    assert [character for character in command if not character.isprintable() and character in written] == []
    assert written.splitlines()[-1].startswith(f"a{command.translate(CONTROLS)}b  c")


def test_the_name_of_a_column_commands_no_terminal(shell):
    shell.write("first.csv", CONTACTS.replace("phone", "pho\x1b[2Jne"))
    assert r"pho\x1b[2Jne" in shell.run("check", "first.yaml").err
