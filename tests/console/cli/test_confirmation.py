"""What cannot be undone is asked on a terminal, says whom it leaves out, and answers no slip of the fingers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.ledger import queries
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import CampaignStatus
from console.cli.app import COMMANDS
from console.cli.command_group import DESTRUCTIVE
from tests.support.seeding import seed
from tests.support.shell import Shell

PHONES = [f"+1212555010{last}" for last in range(3)]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell.prepared(tmp_path)
    with opened(shell) as ledger:
        seed(ledger, PHONES, now=datetime.now(UTC), campaign="nightly")
    return shell


@contextmanager
def opened(shell: Shell) -> Iterator[Ledger]:
    """The ledger of a folder, as its commands would find it."""
    ledger = Ledger(f"sqlite:///{shell.folder / '.dialer' / 'ledger.sqlite3'}")
    yield ledger
    ledger.close()


def status(shell: Shell) -> CampaignStatus:
    with opened(shell) as ledger, ledger.reading() as db:
        return queries.campaign(db, "nightly").status


def test_on_a_terminal_cancelling_asks_and_says_how_many_people_are_left_out(shell):
    code, lines = shell.run_on_terminal("cancel", "nightly", typed="n\n")
    assert "Cancel nightly-1 for good? 3 people will not be called." in lines[1]
    assert (code, status(shell)) == (1, CampaignStatus.RUNNING)
    assert lines[-1].endswith("Nothing was done.")
    code, lines = shell.run_on_terminal("cancel", "nightly", typed="y\n")
    assert (code, status(shell)) == (0, CampaignStatus.CANCELLED)
    assert "nightly-1 is cancelled. 3 people will not be called." in "".join(lines)
    assert "dialer redial nightly-1 --outcome cancelled" in lines[-1]


def test_a_script_is_asked_nothing(shell):
    done = shell.run("cancel", "nightly", "--json")
    assert (done.code, done.json["cancelled"], status(shell)) == (0, 3, CampaignStatus.CANCELLED)
    again = shell.run("cancel", "nightly", "--yes")
    assert (again.code, "cannot be cancelled" in again.err) == (1, True)


def test_on_a_terminal_yes_asks_nothing_and_erasing_asks_too(shell):
    code, lines = shell.run_on_terminal("erase", PHONES[0], typed="\n")
    assert (code, lines[-1].endswith("Nothing was done.")) == (1, True)
    assert "+1212*****00" in "".join(lines)
    code, _lines = shell.run_on_terminal("cancel", "nightly", "--yes")
    assert (code, status(shell)) == (0, CampaignStatus.CANCELLED)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("pase",), "pause"),
        (("cancle",), None),
        (("ersae",), None),
        (("canel", "nightly"), None),
        (("PAUSE", "nightly"), "pause"),
        (("dnc", "remov"), None),
        (("dnc", "lst"), "list"),
        (("call", "relese"), None),
        (("schedule", "remvoe"), None),
        (("statsu",), "status"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_misspelt_command_is_never_answered_with_one_that_cannot_be_undone(tmp_path, typed, meant):
    done = Shell(tmp_path).run(*typed)
    assert done.code == 2
    assert f"No such command '{typed[-1] if typed[0] in COMMANDS else typed[0]}'" in done.err
    assert (f"Did you mean '{meant}'" in done.err) if meant else "Did you mean" not in done.err
    assert not any(f"'{word}'" in done.err.partition("Did you mean")[2] for word in DESTRUCTIVE)
