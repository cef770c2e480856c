"""`dialer dnc` and `dialer erase` as people type them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.ledger.store import Ledger
from tests.support.seeding import dialing
from tests.support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell.prepared(tmp_path)


def test_a_number_is_added_explained_exported_removed_and_erased(shell):
    assert shell.run("dnc", "add", "+14155550101", "--reason", "asked us", "--account", "main").code == 0
    told = shell.run("dnc", "why", "+1 415 555 0101")
    assert (told.code, "asked us" in told.out, "main" in told.out, "+14155550101" in told.out) == (0, True, True, False)
    assert max(map(len, told.out.splitlines())) <= 80
    assert shell.run("dnc", "export", "list.csv").code == 0
    assert "+14155550101" in (shell.folder / "list.csv").read_text(encoding="utf-8-sig")
    assert shell.run("dnc", "remove", "+14155550101").code == 1, "it stands there for main only"
    assert shell.run("dnc", "remove", "+14155550101", "--account", "main", "--json").json["removed"] is True
    done = shell.run("dnc", "import", "list.csv", "--json").json
    assert done == {"added": 1, "known": 0, "expired": 0, "rejected": []}
    assert shell.run("erase", "+14155550101", "--json").json["suppressions"] == 1
    lines = shell.run("dnc", "why", "+14155550101", "--json").json["lines"]
    assert [line["account"] for line in lines] == ["", "main"], "what was main's is main's once it has been imported"


def test_a_line_that_is_over_is_told_and_holds_nobody_back(shell):
    """The list is written as it was a year ago: no command adds what is over."""
    assert shell.run("dnc", "add", "+14155550101").code == 0
    assert shell.run("dnc", "why", "+14155550101", "--json").json["lines"][0]["holds"] is True
    with closing(sqlite3.connect(shell.folder / ".dialer" / "ledger.sqlite3")) as db, db:
        db.execute("UPDATE suppressions SET expires_at = '2025-01-01 00:00:00.000000'")
    told = shell.run("dnc", "why", "+14155550101")
    assert (told.code, "(over)" in told.out, "is not on the list any more" in told.out) == (1, True, True)
    assert max(map(len, told.out.splitlines())) <= 80
    assert shell.run("dnc", "why", "+14155550101", "--json").json["lines"][0]["holds"] is False


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dnc", "add", "4155550101"], ["no country code", "+"]),
        (["dnc", "add", "+14155550101", "--account", "mian"], ["mian", "main"]),
        (["dnc", "add", "+14155550101", "--until", "tomorrow"], ["--until", "2026"]),
        (["dnc", "add", "+14155550101", "--until", "2020-01-01T00:00Z"], ["--until", "passed"]),
        (["dnc", "import", "nothing.csv"], ["nothing.csv", "no such file"]),
        (["dnc", "import", "first.yaml", "--encoding", "cp125O"], ["--encoding", "cp125O", "cp125"]),
        (["dnc", "import", "first.yaml"], ["not understood", "line 1", "not a phone number"]),
        (["dnc", "export", "/no/such/folder/list.csv"], ["/no/such/folder/list.csv"]),
        (["erase", "hello"], ["not a phone number"]),
    ],
)
def test_what_cannot_be_done_is_named_with_its_remedy(shell, arguments, named):
    done = shell.run(*arguments)
    assert done.code == 1
    said = done.out + done.err
    assert all(word in said for word in named), said
    assert "Traceback" not in said


def test_erasing_names_the_files_it_has_written_and_those_that_still_name_the_number(shell):
    shell.write("first.csv", "phone,name\n+14155550101,\n+12125550102,Bob\n")
    assert shell.run("check", "first.yaml").code == 1
    rejects = shell.folder / ".dialer" / "reports" / "first-rejects.csv"
    assert "+14155550101" in rejects.read_text("utf-8-sig")
    done = shell.run("erase", "+14155550101")
    assert (done.code, "Written anew: .dialer/reports/first-rejects.csv" in done.out) == (0, True)
    assert "+14155550101" not in rejects.read_text("utf-8-sig")
    theirs = rejects.with_name("mine-rejects.csv")
    theirs.write_text("phone\n+14155550101\n")
    left = shell.run("erase", "+14155550101", "--json")
    assert (left.code, left.json["left"], left.json["rewritten"]) == (1, [str(theirs)], [])
    told = shell.run("erase", "+14155550101")
    assert "delete it: .dialer/reports/mine-rejects.csv" in told.out
    assert "+14155550101" not in told.out


def test_a_person_on_the_phone_is_left_to_the_sweep_and_the_command_says_so(shell):
    ledger = Ledger(f"sqlite:///{shell.folder / '.dialer' / 'ledger.sqlite3'}")
    dialing(ledger, ["+14155550101"], now=datetime.now(UTC))
    ledger.close()
    told = shell.run("erase", "+14155550101")
    assert told.code == 0
    assert "1 call is in progress. Nothing is left to do" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
