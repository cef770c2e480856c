"""Every help fits a terminal of 80 columns to its end; what is piped is broken nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console.cli.app import app
from tests.console.cli.shell import CONTACTS, Shell


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=[" ".join(words) or "dialer" for words in ALL])
def test_nothing_is_cut_and_nothing_is_wider_than_the_terminal(words):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    assert shown.exit_code == 0
    usage, *lines = shown.output.splitlines()
    assert usage.startswith("Usage: ")
    assert [line for line in lines if len(line) > 80 or line.endswith(("...", "…"))] == []
    assert "..." not in "".join(lines).replace("]...", "")


def test_what_is_piped_is_not_broken(tmp_path):
    """Into a file or a pipe every line is whole: a path, a reason, a command can be found and copied."""
    folder = tmp_path / ("a folder with a long name " * 4).strip()
    folder.mkdir()
    shell = Shell.prepared(folder)
    shell.write("first.csv", CONTACTS + "+1415555,Dan\n4.15556E+09,Eve\n")
    ran = shell.run("check", "first.yaml", COLUMNS="")
    assert ran.code == 1
    assert f"All of them: {folder / '.dialer' / 'reports' / 'first-rejects.csv'}" in ran.out.splitlines()
    rounded = next(line for line in ran.out.splitlines() if "powers of ten" in line)
    assert "its last digits are lost" in rounded
    assert "format the column as text" in rounded


def test_all_commands_are_seen():
    assert {(), ("start",), ("dnc", "add"), ("call", "list"), ("schedule", "remove")} <= set(ALL)
