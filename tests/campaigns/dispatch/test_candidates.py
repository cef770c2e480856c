"""A tick costs what there is to do: campaigns that have nobody due cost it no statement, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, update

from campaigns.dispatch.candidates import LOOKED_AT_ONCE, Candidate, in_turns
from campaigns.dispatch.release import release
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus, ReleaseHold
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.safeguards.falling_numbers import falling_by_campaign
from campaigns.settlement.polling import poll_accounts
from tests.support.dialers import callgear, webex, working
from tests.support.seeding import campaign_row, numbers, seed
from tests.support.statements import statements as running_statements

FEW, MANY = 3, 12


def statements(ledger: Ledger, act: Callable[[], object]) -> int:
    count = [0]

    def add(*_: Any) -> None:
        count[0] += 1

    event.listen(ledger.engine, "before_cursor_execute", add)
    try:
        act()
    finally:
        event.remove(ledger.engine, "before_cursor_execute", add)
    return count[0]


def add_campaigns(ledger: Ledger, clock, first: int, last: int) -> None:
    """Campaigns that run, each on an account of its own, whose contacts are due tomorrow."""
    for number in range(first, last):
        name = f"idle-{number}"
        campaign_id = seed(ledger, numbers(2), now=clock(), campaign=name, account=f"account-{number}")
        tomorrow = update(contacts).where(contacts.c.campaign_id == campaign_id)
        with ledger.writing() as db:
            db.execute(tomorrow.values(due_at=clock() + timedelta(days=1)))


STEPS: dict[str, Callable[[Runtime], object]] = {
    "release": lambda using: release(using=using),
    "sweep": lambda using: sweep(using=using),
    "look": lambda using: poll_accounts(using=using),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_tick_takes_as_many_statements_however_many_campaigns_and_accounts_wait(
    ledger, clock, redis_url, buckets, step
):
    accounts = {f"account-{number}": (webex, callgear)[number % 2]() for number in range(MANY)}
    with working(ledger, redis_url, accounts, clock=clock) as using:
        add_campaigns(ledger, clock, 0, FEW)
        STEPS[step](using)
        few = statements(ledger, lambda: STEPS[step](using))
        add_campaigns(ledger, clock, FEW, MANY)
        STEPS[step](using)
        assert statements(ledger, lambda: STEPS[step](using)) == few


def test_a_tick_takes_one_statement_more_for_each_campaign_it_claims_from(ledger, clock, redis_url, buckets):
    """Accounts are looked at together, and the claims of some campaigns share a transaction."""
    accounts = {f"account-{number}": webex(pace=5) for number in range(MANY)}
    with working(ledger, redis_url, accounts, clock=clock) as using:

        def released(first: int, last: int) -> int:
            for number in range(first, last):
                seed(
                    ledger,
                    numbers(2, first=2 * number),
                    now=clock(),
                    campaign=f"due-{number}",
                    account=f"account-{number}",
                )
            return statements(ledger, lambda: release(using=using))

        released(0, 1)  # what is asked once in a while is asked
        clock.now += timedelta(hours=1)  # the claims of before are nobody's by now
        few = released(1, 1 + FEW)
        clock.now += timedelta(hours=1)
        more = released(1 + FEW, MANY)
        assert more - few == (MANY - 1 - FEW) - FEW


def test_a_budget_and_the_numbers_of_a_campaign_are_asked_once_by_a_tick_and_once_by_its_claim(
    ledger, clock, redis_url, buckets
):
    budget = {
        "caller_id": {"numbers": ["+18005550100", "+18005550101"], "per_day": 50},
        "limits": {"calls": 100, "cost": "5.00"},
    }
    with working(ledger, redis_url, {"main": webex(pace=5)}, clock=clock) as using:
        seed(ledger, numbers(9), now=clock(), **budget)
        with running_statements(ledger) as texts:
            assert release(using=using)
    of_calls = [
        text for text in texts if "FROM attempts JOIN campaigns" in text and "GROUP BY attempts.caller_id" in text
    ]
    of_money = [text for text in texts if "FROM cost_tallies" in text]
    assert (len(of_calls), len(of_money)) == (2, 2)


def test_numbers_that_many_campaigns_show_are_compared_once(ledger, clock):
    shown = {"numbers": ["+18005550100", "+18005550101"]}
    several = [
        campaign_row(ledger, seed(ledger, numbers(1), now=clock(), campaign=f"many-{number}", caller_id=shown))
        for number in range(FEW)
    ]
    with running_statements(ledger) as texts, ledger.reading() as db:
        assert falling_by_campaign(db, several) == {campaign.id: [] for campaign in several}
    assert len([text for text in texts if text.startswith("SELECT")]) == 2


def test_a_tick_that_can_release_nothing_asks_nothing_of_those_that_are_due(ledger, clock, redis_url, buckets):
    """The workers have all that the account can carry."""
    with working(ledger, redis_url, {"main": webex(pace=1)}, clock=clock) as using:
        for number in range(FEW):
            seed(ledger, numbers(9), now=clock(), campaign=f"due-{number}")
        assert release(using=using)
        few = statements(ledger, lambda: release(using=using))
        for number in range(FEW, MANY):
            seed(ledger, numbers(9), now=clock(), campaign=f"due-{number}")
        assert statements(ledger, lambda: release(using=using)) == few


def test_what_binds_no_more_is_taken_back_though_the_workers_have_all_that_the_account_can_carry(
    ledger, clock, redis_url, buckets
):
    """The clock is right again; nobody of the campaign is due, and it no longer says that the clock was set."""
    with working(ledger, redis_url, {"main": webex(pace=1)}, clock=clock) as using:
        seed(ledger, numbers(9), now=clock(), campaign="busy")
        later = seed(ledger, numbers(2), now=clock(), campaign="later")
        words = {"held_by": "the clock was set", "hold_kind": ReleaseHold.CLOCK_SET}
        with ledger.writing() as db:
            tomorrow = update(contacts).where(contacts.c.campaign_id == later)
            db.execute(tomorrow.values(due_at=clock() + timedelta(days=1)))
        assert release(using=using)
        with ledger.writing() as db:
            db.execute(update(campaigns).where(campaigns.c.id == later).values(**words))
        assert release(using=using) == [], "the workers have all"
        assert campaign_row(ledger, later).hold_kind is None


def test_one_campaign_that_can_dial_is_found_among_many_that_are_due_and_cannot(ledger, clock, redis_url, buckets):
    with working(ledger, redis_url, {"main": webex(pace=50)}, clock=clock) as using:
        held = {"canary": {"contacts": 1, "wait": "1h", "reached": 0.5}}
        for number in range(LOOKED_AT_ONCE + 8):
            seed(ledger, numbers(2), now=clock(), campaign=f"held-{number}", **held)
        with ledger.writing() as db:  # the first contact of each is on the phone
            db.execute(update(contacts).where(contacts.c.line == 2).values(status=ContactStatus.DIALING, tries=1))
        free = seed(ledger, numbers(2), now=clock(), campaign="free")
        assert {slice_.campaign_id for slice_ in release(using=using)} >= {free}


@pytest.mark.parametrize("how", ["its account is not there", "it is a rehearsal", "the account is a sandbox"])
def test_a_campaign_that_is_astray_is_paused_though_it_has_nobody_due(ledger, clock, redis_url, buckets, how):
    add_campaigns(ledger, clock, 0, 1)
    name = "elsewhere" if how == "its account is not there" else "account-0"
    with ledger.writing() as db:
        db.execute(update(campaigns).values(rehearsal=how == "it is a rehearsal"))
    with working(ledger, redis_url, {name: webex(sandbox=how == "the account is a sandbox")}, clock=clock) as using:
        release(using=using)
    assert campaign_row(ledger, "idle-0-1").status is CampaignStatus.PAUSED


def test_urgent_campaigns_are_all_looked_at_first_and_each_other_one_in_its_turn():
    candidates = [Candidate(f"c-{number}", "main", number % 40 == 0) for number in range(200)]
    turns = list(in_turns(candidates, Random(1), at_least=0))
    assert {f"c-{number}" for number in range(0, 200, 40)} <= set(turns[0])
    assert sorted(name for turn in turns for name in turn) == sorted(candidate.id for candidate in candidates)
    assert max(len(turn) for turn in turns) <= LOOKED_AT_ONCE + 5
    assert turns != list(in_turns(candidates, Random(2), at_least=0))


def test_a_tick_looks_at_as_many_at_once_as_it_may_call():
    candidates = [Candidate(f"c-{number}", "main", False) for number in range(200)]
    assert [len(turn) for turn in in_turns(candidates, Random(1), at_least=150)] == [150, 50]
