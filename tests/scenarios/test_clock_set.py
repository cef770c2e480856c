"""A machine whose clock is set by an hour neither dials outside a window, nor loses leases, nor expires anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.calendar.calling_hours import is_open_at_all
from campaigns.dispatch.allowances import CLOCK_WAS_SET
from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger import queries
from campaigns.operations.sweep import sweep
from campaigns.reporting.hold_reason import HoldKind, hold_reason
from campaigns.runtime import Runtime
from dialer.clock import WatchedClock
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import callgear, working
from tests.support.seeding import campaign_row, claim, contact, definition, numbers, seed

HOUR = timedelta(hours=1)
OFFICE = {"zone": "UTC", "windows": {"mon-sun": "08:00-21:00"}}
BEFORE_OPENING = datetime(2026, 12, 1, 7, 10, tzinfo=UTC)
NOON = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
AFTER_CLOSING = datetime(2026, 12, 1, 21, 30, tzinfo=UTC)


class Machine:
    """A wall clock that anybody may set, and one that nobody can."""

    def __init__(self) -> None:
        self.true = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
        self.wrong = timedelta()
        self.watched = WatchedClock(wall=self.wall, steady=lambda: self.true.timestamp())

    def wall(self) -> datetime:
        return self.true + self.wrong


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1)) as handle:
        yield handle


Opened = Callable[[datetime], Runtime]


@pytest.fixture
def opened(ledger, redis_url, buckets, sandbox, machine) -> Iterator[Opened]:
    """A worker that has been at work since this moment."""
    with ExitStack() as stack:

        def make(since: datetime) -> Runtime:
            machine.true = since
            machine.watched = WatchedClock(wall=machine.wall, steady=lambda: machine.true.timestamp())
            accounts = {"main": callgear(sandbox.base_url("callgear"))}
            moments = machine.watched.moments
            return stack.enter_context(working(ledger, redis_url, accounts, clock=machine.wall, possible_times=moments))

        yield make


@pytest.mark.parametrize(
    ("true", "jump"), [(BEFORE_OPENING, HOUR), (AFTER_CLOSING, -HOUR)], ids=["set forward", "set back"]
)
def test_no_jump_opens_a_closed_window(ledger, opened, machine, sandbox, true, jump):
    using = opened(true)
    campaign_id = seed(ledger, numbers(3), now=true - 2 * HOUR, schedule=OFFICE)
    machine.wrong = jump
    assert release(using=using) == []
    assert campaign_row(ledger, campaign_id).held_by == CLOCK_WAS_SET
    claim_id, ids = claim(ledger, campaign_id, 3, now=machine.wall() + timedelta(days=2))
    assert dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=using) == 0
    assert sandbox.calls() == []


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_where_both_times_allow_it_calling_goes_on(ledger, opened, machine, sandbox, jump):
    using = opened(datetime(2026, 12, 1, 15, 0, tzinfo=UTC))
    seed(ledger, numbers(1), now=machine.true - 2 * HOUR, schedule=OFFICE)
    machine.wrong = jump
    machine.true += timedelta(seconds=1)
    slices = release(using=using)
    assert sum(dial(one, using=using) for one in slices) == 1
    assert len(sandbox.calls()) == 1


def test_an_hour_is_open_only_if_both_times_allow_it():
    written = definition(schedule=OFFICE)
    assert is_open_at_all(written, "UTC", (NOON, NOON + HOUR))
    assert not is_open_at_all(written, "UTC", (BEFORE_OPENING + HOUR, BEFORE_OPENING))
    assert not is_open_at_all(written, "UTC", (AFTER_CLOSING - HOUR, AFTER_CLOSING))
    over = definition(schedule=OFFICE | {"end": NOON.isoformat()})
    assert not is_open_at_all(over, "UTC", (NOON - HOUR, NOON))


@pytest.mark.parametrize("jump", [8 * HOUR, -8 * HOUR], ids=["set forward", "set back"])
def test_a_wrong_clock_puts_nobody_off_and_calling_goes_on_once_it_is_right(ledger, opened, machine, sandbox, jump):
    """Were a due time written by it, those who could be called today would wait until tomorrow."""
    using = opened(NOON)
    campaign_id = seed(ledger, numbers(3), now=NOON, schedule=OFFICE)
    machine.wrong = jump
    assert release(using=using) == []
    claim_id, ids = claim(ledger, campaign_id, 2, now=machine.wall() + timedelta(days=2))
    assert dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=using) == 0
    assert release(using=using) == []
    with ledger.reading() as db:
        reason = hold_reason(db, queries.campaign(db, campaign_id), machine.wall())
    assert (reason.kind, reason.words) == (HoldKind.CLOCK_SET, CLOCK_WAS_SET)
    assert sandbox.calls() == []
    machine.wrong = timedelta()
    assert sum(dial(one, using=using) for one in release(using=using)) > 0
    with ledger.reading() as db:
        assert hold_reason(db, queries.campaign(db, campaign_id), machine.wall()).kind is HoldKind.DIALING


def test_claims_from_before_the_clock_was_set_back_are_due_again(ledger, opened, machine):
    using = opened(datetime(2026, 12, 1, 15, 0, tzinfo=UTC))
    campaign_id = seed(ledger, numbers(3), now=machine.true - 2 * HOUR)
    _, ids = claim(ledger, campaign_id, 3, now=machine.wall(), lease=30)
    machine.wrong = -HOUR
    sweep(using=using)
    assert {contact(ledger, one).status for one in ids} == {"pending"}


def test_a_clock_that_is_set_forward_expires_nobody(ledger, opened, machine):
    using = opened(datetime(2026, 12, 1, 15, 0, tzinfo=UTC))
    not_after = machine.true + timedelta(minutes=30)
    campaign_id = seed(ledger, numbers(1), now=machine.true, not_after=not_after)
    ended = seed(
        ledger, numbers(1, area=212), now=machine.true, campaign="ended", schedule={"end": not_after.isoformat()}
    )
    machine.wrong = HOUR
    sweep(using=using)
    _, (held,) = claim(ledger, campaign_id, 1, now=machine.wall())
    assert contact(ledger, held).status == "claimed"
    assert campaign_row(ledger, ended).status == "running"
    machine.true += HOUR
    sweep(using=using)
    assert contact(ledger, held).status == "expired"
    assert campaign_row(ledger, ended).status == "finished"
