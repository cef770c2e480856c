"""What ticks cost an installation that has nothing to do: one statement each, however much it has done before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from campaigns.dispatch.release import release
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.operations.webhooks import delivering
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_accounts
from campaigns.settlement.sweep_parts import PARTS, parts_due
from tests.support.dialers import webex, working
from tests.support.seeding import dialing, numbers, seed
from tests.support.statements import statements

TICKS: dict[str, Callable[..., object]] = {
    "release": release,
    "look": poll_accounts,
    "tell": delivering.claim,
    "sweep": sweep,
}


@pytest.fixture
def using(ledger, redis_url, buckets, clock) -> Iterator[Runtime]:
    with working(ledger, redis_url, {"main": webex()}, clock=clock) as using:
        yield using


def settled(using: Runtime) -> None:
    """Let ticks do whatever is left to do."""
    for _turn in range(3):
        for tick in TICKS.values():
            tick(using=using)


def cost_of(tick: Callable[..., object], using: Runtime) -> list[str]:
    with statements(using.ledger) as texts:
        tick(using=using)
    return [text for text in texts if not text.startswith("BEGIN")]


def ended_campaigns(using: Runtime, count: int) -> None:
    for number in range(count):
        campaign = seed(using.ledger, numbers(2, first=2 * number), now=using.clock(), campaign=f"ended{number}")
        control.cancel(using.ledger, campaign, who="test", now=using.clock())


@pytest.mark.parametrize("tick", TICKS.values(), ids=TICKS)
def test_a_tick_that_finds_nothing_to_do_asks_one_statement(tick, using):
    ended_campaigns(using, 5)
    settled(using)
    assert len(cost_of(tick, using)) == 1


@pytest.mark.parametrize("tick", [release, sweep], ids=["release", "sweep"])
def test_live_campaigns_of_which_nobody_is_due_cost_a_tick_a_few_statements(tick, using):
    for number in range(3):
        campaign = seed(using.ledger, numbers(2, first=2 * number), now=using.clock(), campaign=f"live{number}")
        with using.ledger.writing() as db:
            later = {"due_at": using.clock() + timedelta(hours=9)}
            db.execute(update(contacts).where(contacts.c.campaign_id == campaign).values(**later))
    settled(using)
    assert len(cost_of(tick, using)) <= 6


def test_a_part_is_named_as_soon_as_something_waits_for_it(using, ledger, clock):
    settled(using)
    assert _due(ledger, using) == frozenset()
    (attempt,) = dialing(ledger, numbers(1), now=clock())
    settled(using)
    assert _due(ledger, using) == frozenset()
    clock.forward(7200)
    assert {"claims_returned", "marked_unconfirmed"} & _due(ledger, using)
    with ledger.writing() as db:
        db.execute(update(attempts).where(attempts.c.id == attempt.id).values(status=AttemptStatus.PLACED))
    assert "concluded" in _due(ledger, using)


def _due(ledger: Ledger, using: Runtime) -> frozenset[str]:
    with ledger.reading() as db:
        due = parts_due(db, using.clock(), using.clock())
    assert due <= PARTS
    return due
