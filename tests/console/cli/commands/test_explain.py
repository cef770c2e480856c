"""`dialer explain` as people type it: one reason, when it clears, what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.safeguards.failover import move_on
from tests.support.seeding import numbers, seed
from tests.support.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell.prepared(tmp_path)
    ledger = Ledger(f"sqlite:///{tmp_path / '.dialer' / 'ledger.sqlite3'}")
    seed(ledger, numbers(2), now=datetime(2026, 1, 1, tzinfo=UTC))
    ledger.write(suppress, numbers(2)[1], reason="asked us", source="ann", now=datetime(2026, 1, 1, tzinfo=UTC))
    ledger.close()
    return shell


def test_without_a_stack_that_is_what_is_missing(shell):
    told = shell.run("explain", "reminders")
    assert told.code == 0
    assert "Nothing is being dialed: the dialer is not running" in told.out
    assert "Do: start it: dialer up" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert shell.run("explain", "reminders", "--json").json["kind"] == "no_stack"


def test_a_redis_that_does_not_answer_is_told_from_that(shell):
    away = shell.run("explain", "reminders", "--json", DIALER_REDIS__URL="redis://127.0.0.1:1/0")
    assert away.json["kind"] == "redis_away"


def test_a_pause_says_who_may_undo_it(shell):
    shell.run("pause", "reminders")
    told = shell.run("explain", "reminders", "--json").json
    assert (told["kind"], told["remedy"]) == ("paused_by_person", "dialer resume reminders-1")
    assert (told["why"], bool(told["since"])) == (f"paused by {told['by']}", True)
    first, since, _remedy = shell.run("explain", "reminders").out.splitlines()
    assert first == f"reminders-1 is paused by {told['by']}."
    assert since.startswith("That was on ")


def test_a_contacts_story_is_told_with_its_number_masked(shell):
    told = shell.run("explain", "reminders", numbers(2)[1])
    assert told.code == 0
    assert "it is on the do-not-call list: asked us" in " ".join(told.out.split())
    assert numbers(2)[1] not in told.out
    assert max(map(len, told.out.splitlines())) <= 80


def test_the_account_that_stands_in_for_the_preferred_one_is_named_with_the_return(shell):
    ledger = Ledger(f"sqlite:///{shell.folder / '.dialer' / 'ledger.sqlite3'}")
    both = {"campaign": "moved", "accounts": ["main", "spare"], "return_after": "30m"}
    moved = seed(ledger, numbers(1, area=212), now=datetime(2026, 1, 1, tzinfo=UTC), **both)
    ledger.write(move_on, moved, "main", "its day is used up", datetime(2026, 1, 1, tzinfo=UTC))
    ledger.close()
    said = r"spare instead of main, to which it goes back at 01 Jan .*00:30:00 UTC if that answers until then"
    assert re.search(rf"It dials with {said}\.", " ".join(shell.run("explain", "moved", TZ="UTC").out.split()))
    assert re.search(rf"account {said}", " ".join(shell.run("status", "moved", TZ="UTC").out.split()))
    for command in ("explain", "status"):
        facts = shell.run(command, "moved", "--json").json
        assert (facts["instead_of"], facts["returns_at"][:16]) == ("main", "2026-01-01T00:30")


def test_what_goes_to_the_provider_with_a_call_is_told_until_the_row_is_emptied(shell):
    ledger = Ledger(f"sqlite:///{shell.folder / '.dialer' / 'ledger.sqlite3'}")
    more = {"campaign": "visits", "priority": 1, "callback_data": "visit {{ visit }} of +12125550199"}
    more["contacts"] = {"file": "list.csv", "where": "status = 'due'", "order": ["-amount", "due"]}
    seed(ledger, numbers(1, area=212), now=datetime(2026, 1, 1, tzinfo=UTC), **more)
    with ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.campaign_id == "visits-1").values(fields={"visit": "17"}))
    number = numbers(1, area=212)[0]
    told = shell.run("explain", "visits", number).out
    assert "Priority: 1, low." in told
    assert "Its row met: status = 'due'" in told
    assert "Contacts are called by: -amount, due" in told
    assert "Sent back with each receipt: visit 17 of +12*******99" in told
    with ledger.writing() as db:
        db.execute(update(contacts).where(contacts.c.campaign_id == "visits-1").values(fields={}))
    ledger.close()
    facts = shell.run("explain", "visits", number, "--json").json
    assert (facts["priority"], facts["callback_data"]) == (1, None)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["explain", "nothing"], ["no campaign 'nothing'", "reminders-1"]),
        (
            ["explain", "reminders", "+12125550199"],
            ["is not among the 2 contacts of reminders-1", "in its list"],
        ),
        (["explain", "reminders", "12"], ["no country code"]),
    ],
)
def test_what_cannot_be_explained_is_named_with_its_remedy(shell, arguments, named):
    told = shell.run(*arguments)
    assert told.code == 1
    assert all(word in told.out + told.err for word in named)
