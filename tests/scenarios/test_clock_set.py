"""A machine whose clock is set by an hour neither dials outside a window, nor loses leases, nor expires anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.calendar.calling_hours import next_opening_at_all
from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import CLOCK_WAS_SET, release
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from dialer.clock import WatchedClock
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.dialers import callgear, working
from tests.support.seeding import campaign_row, claim, contact, definition, numbers, seed

HOUR = timedelta(hours=1)
OFFICE = {"zone": "UTC", "windows": {"mon-sun": "08:00-21:00"}}
BEFORE_OPENING = datetime(2026, 12, 1, 7, 10, tzinfo=UTC)
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


def test_a_contact_is_put_off_until_both_times_allow_it():
    written = definition(schedule=OFFICE)
    forward = (BEFORE_OPENING + HOUR, BEFORE_OPENING)  # it says 08:10 where it is 07:10
    assert next_opening_at_all(written, "UTC", forward) == BEFORE_OPENING + HOUR + timedelta(minutes=50)
    back = (AFTER_CLOSING - HOUR, AFTER_CLOSING)  # it says 20:30 where it is 21:30
    assert next_opening_at_all(written, "UTC", back) == AFTER_CLOSING - HOUR + timedelta(hours=10, minutes=30)
    over = definition(schedule=OFFICE | {"end": AFTER_CLOSING.isoformat()})
    assert next_opening_at_all(over, "UTC", back) is None


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
