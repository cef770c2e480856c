"""A worker killed with kill -9 around a reminder: it is told once, and so is the next one of the same appointment."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus
from campaigns.runtime import Runtime
from dialer.calls import Outcome
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support import preloaded
from tests.support.dialers import callgear, wait_for, working
from tests.support.fixtures import HandSetClock
from tests.support.killed_worker import FAST, one_round
from tests.support.patience import PATIENCE
from tests.support.seeding import campaign_row, numbers, seed

NOON = datetime(2035, 12, 4, 12, tzinfo=UTC)  # no request is too late by it, however long the test takes
LEASE = timedelta(seconds=31)  # after which what the dead worker had claimed is another one's
PEOPLE = 3
KEYS = {
    "message": {"tts": "This is a reminder of your appointment, {{ reminder }} before it. Please bring your papers."},
    "schedule": {"before": {"column": "at", "at": ["2h", "1h"]}},
}


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=200)) as handle:
        yield handle


def reminders_due(ledger) -> Counter[int | None]:
    """For which reminder the contacts wait, or which they are told."""
    with ledger.reading() as db:
        return Counter(db.scalars(select(contacts.c.reminder)))


def go_on(using: Runtime, clock: HandSetClock, until: Callable[[], bool]) -> None:
    def over() -> bool:
        one_round(using)
        clock.forward(1)
        return until()

    wait_for(over)


@pytest.mark.parametrize(
    ("verb", "column"),
    [
        pytest.param("UPDATE contacts", "claim=", id="while it claims"),
        pytest.param("INSERT INTO attempts", "", id="before the request leaves"),
        pytest.param("UPDATE attempts", "provider_call_id=", id="when the provider has answered"),
        pytest.param("UPDATE attempts", "ended_at=", id="while it writes how the call ended"),
        pytest.param("UPDATE contacts", "reminder=", id="while it goes on to the next reminder"),
        pytest.param("nothing", "", id="while the next reminder is waited for"),
    ],
)
def test_neither_reminder_is_told_twice_or_lost(ledger, redis_url, buckets, sandbox, verb, column):
    campaign_id = seed(ledger, numbers(PEOPLE), now=NOON, not_after=NOON + timedelta(hours=2), **KEYS)
    url = ledger.engine.url.render_as_string(hide_password=False)
    vendor = sandbox.base_url("callgear")
    given = ("tests.support.killed_worker", url, redis_url, vendor, NOON.isoformat(), verb, column)
    with preloaded.begun(*given) as (worker, said):
        while said.readline():
            if reminders_due(ledger) == {2: PEOPLE}:
                assert verb == "nothing", "it has ended by itself before"
                break
    assert worker.wait(PATIENCE) == -signal.SIGKILL
    clock = HandSetClock(NOON + LEASE)
    with working(ledger, redis_url, {"main": callgear(vendor, **FAST)}, clock=clock) as using:
        go_on(using, clock, lambda: reminders_due(ledger) == {2: PEOPLE})
        assert clock() < NOON + timedelta(minutes=50), "the first reminder is over before the second is due"
        clock.now = NOON + timedelta(hours=1)
        go_on(using, clock, lambda: campaign_row(ledger, campaign_id).status is CampaignStatus.FINISHED)
    with ledger.reading() as db:
        made = (attempts.c.contact_id, attempts.c.reminder)
        query = select(*made, func.count()).where(attempts.c.status != AttemptStatus.NOT_PLACED).group_by(*made)
        told = db.execute(query).all()
        outcomes = Counter(db.scalars(select(attempts.c.outcome)))
    assert sorted(Counter(row.reminder for row in told).items()) == [(1, PEOPLE), (2, PEOPLE)]
    assert {row.count for row in told} == {1}
    assert outcomes[Outcome.ANSWERED] >= PEOPLE
    assert Counter(call["to"] for call in sandbox.calls()) == dict.fromkeys(numbers(PEOPLE), 2)
