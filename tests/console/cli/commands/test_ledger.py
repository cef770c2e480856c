"""`dialer ledger copy` and `restore` as people run them, and errors that nobody expects."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.shell import Shell

LEDGER = Path(".dialer") / "ledger.sqlite3"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell.prepared(tmp_path)
    assert shell.run("ledger", "upgrade").code == 0
    return shell


def test_a_ledger_is_copied_and_put_back(shell):
    copied = shell.run("ledger", "copy", "copy.sqlite3")
    assert (copied.code, "None of its campaigns would dial." in copied.out) == (0, True), copied.err
    assert (shell.folder / "copy.sqlite3").stat().st_mode & 0o777 == 0o600
    restored = shell.run("ledger", "restore", "copy.sqlite3", "--json")
    assert restored.code == 0, restored.out
    assert restored.json["live"] == []
    assert ".before-" in restored.json["before"]
    assert shell.run("status").code == 0


def test_a_second_copy_of_the_same_name_is_refused(shell):
    shell.write("copy.sqlite3", "precious")
    ran = shell.run("ledger", "copy", "copy.sqlite3")
    assert (ran.code, "is there already" in ran.err) == (1, True)


def test_counts_that_somebody_has_changed_are_named_and_counted_anew(shell):
    assert "are right" in shell.run("ledger", "verify").out
    with closing(sqlite3.connect(shell.folder / LEDGER)) as db, db:
        columns = "(campaign_id, status, reason, number, folded)"
        db.execute(f"INSERT INTO contact_tallies {columns} VALUES ('a-1', 'reached', 'answered', 3, 0)")
    wrong = shell.run("ledger", "verify")
    assert (wrong.code, "contact_tallies: a-1, reached, answered: kept 3, counted 0" in wrong.out) == (1, True)
    assert "dialer ledger verify --repair" in wrong.out
    assert shell.run("ledger", "verify", "--json").json["differences"][0]["tallied"] == 3
    assert "counted anew" in shell.run("ledger", "verify", "--repair").out
    assert "are right" in shell.run("ledger", "verify").out


def test_a_damaged_ledger_is_told_with_its_remedy_by_every_command(shell):
    file = shell.folder / LEDGER
    file.write_bytes(b"no database at all " * 1000)
    for command in (
        ["status"],
        ["report", "first"],
        ["ledger", "upgrade"],
        ["explain", "first"],
        ["start", "first.yaml"],
    ):
        ran = shell.run(*command)
        assert (ran.code, "is damaged" in ran.err, "Traceback" in ran.err) == (1, True, False), (command, ran.err)
        assert "dialer ledger restore" in ran.err


def test_a_ledger_that_others_could_read_is_closed_and_named(shell):
    (shell.folder / LEDGER).chmod(0o644)
    (shell.folder / ".dialer").chmod(0o755)
    ran = shell.run("status", "--json")
    assert "yours alone now" in ran.err
    assert ran.json == []
    assert (shell.folder / LEDGER).stat().st_mode & 0o777 == 0o600
    assert shell.run("status").err == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_that_nobody_expected_is_a_sentence_and_its_traceback_is_in_a_file(shell, as_json):
    import sqlite3

    with sqlite3.connect(shell.folder / LEDGER) as db:
        db.execute("ALTER TABLE campaigns RENAME COLUMN reason TO reason_for_15550100")
    ran = shell.run("status", *["--json"] * as_json)
    said = ran.out if as_json else ran.err
    assert ran.code == 1
    assert "an error of the dialer" in said or "cannot be used" in said
    for word in ("Traceback", "sqlalchemy", "SELECT", 'File "'):
        assert word not in ran.err + ran.out


def test_an_archive_says_what_is_to_be_archived_and_what_cannot_be(shell):
    nothing = shell.run("ledger", "archive", "--to", "archive")
    assert (nothing.code, "No campaign is to be archived." in nothing.out) == (0, True), nothing.err
    assert "no campaign 'nobody-1'" in shell.run("ledger", "archive", "nobody-1", "--to", "archive").err
    assert shell.run("ledger", "archive", "--before", "yesterday", "--to", "archive").code == 2
    shell.write("precious.csv", "precious")
    assert shell.run("ledger", "archive", "--to", "precious.csv").code == 2
    assert "name a folder" in shell.run("ledger", "archive", "--to", "precious.csv/below").err
