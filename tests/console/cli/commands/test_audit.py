"""`dialer audit` as people run it: who did what, and whether somebody has changed that."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from campaigns.ledger.audit_chain.chaining import chain_audit
from tests.support.shell import Shell
from workers.ledger import open_ledger
from workers.settings import Settings


@pytest.fixture
def shell(tmp_path) -> Shell:
    shell = Shell.prepared(tmp_path)
    for number in ("+12125550101", "+12125550102"):
        assert shell.run("dnc", "add", number, "--reason", "asked us").code == 0
    return shell


def chain(shell: Shell) -> None:
    """As the sweep of the workers does."""
    with closing(open_ledger(Settings(data_dir=shell.folder / ".dialer"))) as ledger:
        assert chain_audit(ledger) == 2


def test_lines_are_listed_and_verified_and_a_changed_one_is_named(shell):
    listed = shell.run("audit", "list", "--event", "suppression added", "--since", "2020-01-31", "--json").json
    assert [(line["event"], "555" in line["detail"]) for line in listed] == [("suppression added", False)] * 2
    assert "2 lines are not chained yet" in shell.run("audit", "verify").out
    before_all = shell.run("audit", "verify", "--head", f"2:{'0' * 40}")
    assert (before_all.code, "is not in the chain" in before_all.out) == (1, True)
    chain(shell)
    intact = shell.run("audit", "verify")
    assert (intact.code, "Intact: 2 lines" in intact.out) == (0, True)
    head = shell.run("audit", "verify", "--json").json["head"]
    assert shell.run("audit", "verify", "--head", head).code == 0
    assert "is not in the chain" in shell.run("audit", "verify", "--head", f"2:{'0' * 40}").out
    with closing(sqlite3.connect(shell.folder / ".dialer" / "ledger.sqlite3")) as db, db:
        db.execute("UPDATE audit SET who = 'mallory' WHERE place = 2")
    changed = shell.run("audit", "verify")
    assert (changed.code, "Line 2 was changed; line id 2, of" in changed.out) == (1, True)
    assert shell.run("audit", "verify", "--json").json["fault"] == "changed"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (("list", "--since", "yesterday"), "--since: 'yesterday' is no day"),
        (("verify", "--head", "12"), "--head: '12' is no place of the chain"),
        (("verify", "--head", "x:ab"), "--head: 'x:ab' is no place of the chain"),
        (("verify", "--head", "2:zz"), "--head: '2:zz' is no place of the chain"),
        (("verify", "--head", f"{10**20}:{'0' * 40}"), f"--head: '{10**20}:"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(shell, line, named):
    ran = shell.run("audit", *line)
    assert (ran.code, named in ran.err) == (1, True), ran.err
