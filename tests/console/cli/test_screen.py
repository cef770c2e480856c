"""Every help fits a terminal of 80 columns to its end; what is piped is broken nowhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from console.cli.app import app
from console.cli.output import Screen, local_with_zone, out, print_prose
from tests.support.shell import CAMPAIGN, CONTACTS, Shell


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


@pytest.mark.parametrize("encoding", ["ascii", "koi8-r", "cp437", "latin-1"])
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["prose", "json"])
def test_a_text_that_the_terminal_cannot_show_is_escaped_and_not_a_traceback(tmp_path, encoding, options):
    shell = Shell.prepared(tmp_path)
    text = "Здравствуйте – 予約 🙂"
    shell.write("first.yaml", CAMPAIGN.replace("Hello {{ name }}, this is a reminder of your appointment.", text))
    ran = shell.run("preview", "first.yaml", *options, encoding=encoding, PYTHONIOENCODING=encoding)
    assert (ran.code, ran.err) == (0, "")
    shown = ran.out
    assert (json.loads(shown)["text"] if options else shown.encode().decode("unicode_escape")).count("予約 🙂") == 1


@pytest.mark.parametrize("words", [(), ("schedule",), ("call",), ("dnc",)], ids=" ".join)
def test_no_command_is_cut_in_the_list_of_a_real_terminal(tmp_path, words):
    ran = Shell.prepared(tmp_path).run(*words, "--help", COLUMNS="80")
    _usage, *lines = ran.out.splitlines()
    assert lines
    assert [line for line in lines if line.endswith("...")] == []


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("[bold]Do:[/] wait", ["Do: wait"]),
        ("Do: wait for its end, or end it with: dialer cancel first-1", ["Do: wait for its end, or end it", "with:"]),
        ("it stands in /a/folder/with/a/long-name/first-rejects.csv", ["it stands in"]),
        ("  line 3: the number has no country code", ["  line 3: the number has no", "country code"]),
    ],
    ids=["short", "a command", "a path", "indented"],
)
def test_prose_is_broken_between_words_and_a_command_or_path_nowhere(words, lines):
    screen = Screen(file=StringIO(), force_terminal=True, width=32, color_system=None)
    print_prose(words, on=screen)
    shown = screen.file.getvalue().splitlines()
    assert shown[: len(lines)] == lines
    assert shown[len(lines) :] in ([], ["  dialer cancel first-1"], ["/a/folder/with/a/long-name/first-rejects.csv"])
    assert " ".join(" ".join(shown).split()) == " ".join(words.replace("[bold]", "").replace("[/]", "").split())


def test_prose_in_a_pipe_is_not_broken_even_where_tables_have_a_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "32")
    screen = Screen(file=StringIO(), color_system=None)
    print_prose("wait for its end, or end it with: dialer cancel first-1", on=screen)
    assert screen.file.getvalue() == "wait for its end, or end it with: dialer cancel first-1\n"


@pytest.mark.parametrize(("month", "shown"), [(12, "05 Dec 10:00:00 EST"), (7, "05 Jul 11:00:00 EDT")])
def test_a_moment_in_a_sentence_says_its_zone(monkeypatch, month, shown):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert local_with_zone(datetime(2026, month, 5, 15, tzinfo=UTC)) == shown
    finally:
        monkeypatch.undo()
        time.tzset()


def test_all_commands_are_seen():
    assert {(), ("start",), ("dnc", "add"), ("call", "list"), ("schedule", "remove")} <= set(ALL)


def test_a_name_between_colons_is_no_picture():
    with out.capture() as shown:
        out.print("campaign :smile: is running")
        print_prose("see :smile:")
    assert shown.get() == "campaign :smile: is running\nsee :smile:\n"
