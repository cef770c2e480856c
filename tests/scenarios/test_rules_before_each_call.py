"""Who must not be called, or not so often, is not: at launch, at each dial, on retry, with many workers racing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import select, update

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import ContactStatus
from campaigns.operations import control
from campaigns.reporting.explain import explain_contact
from campaigns.runtime import Runtime
from campaigns.settlement.endings import Ending, conclude
from dialer.calls import Outcome
from dialer.deadline import utc_now
from dialer.phone import parse
from tests.support.dialers import callgear, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import attempt, claim, contact, definition, dialing, fresh, numbers, seed
from tests.support.statuses import as_attempt

WORKERS = 10
AHEAD = utc_now() + timedelta(days=1)  # so that no request is late on a busy machine: deadlines keep to the wall
(ANN,) = numbers(1)
RETRY = {"max_attempts": 5, "busy": ["5m"] * 4}
EVERYONE = {"reason": "asked us", "source": "test"}


@pytest.fixture
def real(ledger, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    accounts = {"main": callgear(sandbox.base_url("callgear")), "other": webex(sandbox.base_url("webex"))}
    with working(ledger, redis_url, accounts, clock=HandSetClock(AHEAD)) as using:
        yield using


def sliced(using: Runtime, phones: list[str], **changes) -> Slice:
    campaign_id = seed(using.ledger, phones, now=using.clock(), **changes)
    claim_id, ids = claim(using.ledger, campaign_id, len(phones), now=using.clock())
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))


def race(using: Runtime, slices: list[Slice]) -> int:
    with ThreadPoolExecutor(WORKERS) as workers:
        return sum(workers.map(lambda one: dial(one, using=using), slices))


def statuses(using: Runtime) -> list[str]:
    with using.ledger.reading() as db:
        return list(db.scalars(select(contacts.c.status).order_by(contacts.c.id)))


# Ten workers at once


def test_a_cap_across_campaigns_accounts_and_caller_ids_holds_with_ten_workers_racing(real, sandbox):
    cap = {"per_number": "3/24h"}
    slices = [
        sliced(
            real,
            [ANN],
            campaign=f"campaign-{n}",
            account=["main", "other"][n % 2],
            caller_id=f"+180055501{n:02}",
            frequency=cap,
        )
        for n in range(WORKERS)
    ]
    assert race(real, slices) == 3
    assert len(sandbox.calls()) == 3
    assert sorted(statuses(real)) == ["pending"] * 7 + ["placed"] * 3
    with real.ledger.reading() as db:
        waiting = db.scalars(select(contacts.c.due_at).where(contacts.c.status == ContactStatus.PENDING)).all()
    assert set(waiting) == {real.clock() + timedelta(hours=24)}, "each comes when the first call leaves the window"


def test_a_suppressed_number_is_not_dialed_by_any_of_ten_racing_workers(real, sandbox):
    slices = [sliced(real, [ANN], campaign=f"campaign-{n}") for n in range(WORKERS)]
    real.ledger.write(suppress, ANN, now=real.clock(), **EVERYONE)
    assert race(real, slices) == 0
    assert (sandbox.calls(), set(statuses(real))) == ([], {"suppressed"})


def test_a_window_that_closed_after_the_claim_holds_against_ten_racing_workers(real, sandbox):
    real.clock.now = datetime(2035, 12, 4, 19, 59, tzinfo=UTC)
    office = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
    slices = [sliced(real, [phone], campaign=f"c-{phone[-4:]}", schedule=office) for phone in numbers(WORKERS)]
    real.clock.forward(61)
    slices = [Slice(campaign_id=one.campaign_id, claim=one.claim, contact_ids=one.contact_ids) for one in slices]
    with real.ledger.writing() as db:
        db.execute(update(contacts).values(lease_until=real.clock() + timedelta(seconds=30)))
    assert race(real, slices) == 0
    assert (sandbox.calls(), set(statuses(real))) == ([], {"pending"})


def test_a_pause_between_claim_and_dial_holds_against_ten_racing_workers(real, sandbox):
    campaign_id = seed(real.ledger, numbers(WORKERS), now=real.clock())
    slices = release(using=real)
    control.pause(real.ledger, campaign_id, who="test", now=real.clock())
    assert race(real, slices * 2) == 0
    assert (sandbox.calls(), set(statuses(real))) == ([], {"pending"})


# Retries are dials


def busy(using: Runtime, contact_id: int) -> None:
    """The contact's call has ended busy."""
    with using.ledger.reading() as db:
        (one,) = db.scalars(
            select(attempts.c.id).where(attempts.c.contact_id == contact_id, attempts.c.outcome.is_(None))
        )
    ending = Ending(outcome=Outcome.BUSY, ended_at=using.clock())
    assert using.ledger.write(conclude, fresh(using.ledger, one), ending, now=using.clock())


def claimed_for_a_retry(using: Runtime, slices: list[Slice], waits: float = 301) -> list[Slice]:
    """These slices dialed, their calls ended busy, and their contacts claimed once more: with the workers again."""
    assert race(using, slices) == len(slices)
    for one in slices:
        busy(using, one.contact_ids[0])
    using.clock.forward(waits)
    again = release(using=using)
    assert sum(len(one.contact_ids) for one in again) == len(slices)
    return again


def test_a_number_suppressed_between_the_claim_and_the_retry_is_not_dialed_by_ten_racing_workers(real, sandbox):
    slices = [sliced(real, [ANN], campaign=f"campaign-{n}", retry=RETRY) for n in range(WORKERS)]
    again = claimed_for_a_retry(real, slices)
    real.ledger.write(suppress, ANN, now=real.clock(), **EVERYONE)
    assert race(real, again * 2) == 0
    assert (len(sandbox.calls()), set(statuses(real))) == (WORKERS, {"suppressed"})


def test_a_cap_reached_between_the_claim_and_the_retry_holds_against_ten_racing_workers(real, sandbox):
    """Ten first tries count, so of ten retries at once two are left."""
    cap = {"per_number": f"{WORKERS + 2}/24h"}
    slices = [sliced(real, [ANN], campaign=f"campaign-{n}", retry=RETRY, frequency=cap) for n in range(WORKERS)]
    began = real.clock()
    assert race(real, claimed_for_a_retry(real, slices) * 2) == 2
    assert len(sandbox.calls()) == WORKERS + 2
    assert sorted(statuses(real)) == ["pending"] * (WORKERS - 2) + ["placed"] * 2
    with real.ledger.reading() as db:
        waiting = db.scalars(select(contacts.c.due_at).where(contacts.c.status == ContactStatus.PENDING)).all()
    assert set(waiting) == {began + timedelta(hours=24)}


def test_a_window_that_closed_between_the_claim_and_the_retry_holds_against_ten_racing_workers(real, sandbox):
    real.clock.now = datetime(2035, 12, 4, 19, 54, 30, tzinfo=UTC)
    office = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
    slices = [
        sliced(real, [phone], campaign=f"c-{phone[-4:]}", schedule=office, retry=RETRY) for phone in numbers(WORKERS)
    ]
    again = claimed_for_a_retry(real, slices)
    real.clock.now = datetime(2035, 12, 4, 20, 0, 1, tzinfo=UTC)
    with real.ledger.writing() as db:
        db.execute(update(contacts).values(lease_until=real.clock() + timedelta(seconds=30)))
    assert race(real, again * 2) == 0
    assert (len(sandbox.calls()), set(statuses(real))) == (WORKERS, {"pending"})
    with real.ledger.reading() as db:
        assert set(db.scalars(select(contacts.c.due_at))) == {datetime(2035, 12, 5, 9, tzinfo=UTC)}


def test_a_pause_between_the_claim_and_the_retry_holds_against_ten_racing_workers(real, sandbox):
    slices = [sliced(real, [phone], campaign=f"c-{phone[-4:]}", retry=RETRY) for phone in numbers(WORKERS)]
    again = claimed_for_a_retry(real, slices)
    for one in again:
        control.pause(real.ledger, one.campaign_id, who="test", now=real.clock())
    assert race(real, again * 2) == 0
    assert (len(sandbox.calls()), set(statuses(real))) == (WORKERS, {"pending"})


def test_a_contact_suppressed_while_waiting_for_a_retry_is_not_dialed_again(real, sandbox):
    """Newfies-Dialer's retry is a countdown that asks neither the list nor the windows."""
    one = sliced(real, [ANN], retry=RETRY)
    assert dial(one, using=real) == 1
    busy(real, one.contact_ids[0])
    real.ledger.write(suppress, ANN, now=real.clock(), **EVERYONE)
    real.clock.forward(301)
    assert [dial(again, using=real) for again in release(using=real)] == [0]
    assert (len(sandbox.calls()), statuses(real)) == (1, ["suppressed"])


def test_a_retry_due_after_hours_waits_for_the_morning(real, sandbox):
    real.clock.now = datetime(2035, 12, 4, 19, 58, tzinfo=UTC)
    one = sliced(real, [ANN], retry=RETRY, schedule={"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}})
    assert dial(one, using=real) == 1
    busy(real, one.contact_ids[0])
    assert contact(real.ledger, one.contact_ids[0]).due_at.isoformat() == "2035-12-05T09:00:00+00:00"
    real.clock.forward(600)
    assert release(using=real) == []


def test_a_cap_counts_first_tries_and_retries_together(real, sandbox):
    """Newfies-Dialer's frequency ignores retries."""
    one = sliced(real, [ANN], retry=RETRY, frequency={"per_number": ["2/1h"]})
    began = real.clock()
    sent = dial(one, using=real)
    for _ in range(3):
        if statuses(real) == ["placed"]:
            busy(real, one.contact_ids[0])
        real.clock.forward(301)
        sent += sum(dial(again, using=real) for again in release(using=real))
    assert (sent, len(sandbox.calls())) == (2, 2)
    assert contact(real.ledger, one.contact_ids[0]).due_at == began + timedelta(hours=1)
    real.clock.now = began + timedelta(hours=1)
    assert sum(dial(again, using=real) for again in release(using=real)) == 1


def test_a_retried_call_carries_every_field_of_the_first(real, sandbox):
    """Newfies-Dialer drops the caller's name on the new row."""
    one = sliced(real, [ANN], retry=RETRY, dtmf="1", ring_timeout=20)
    dial(one, using=real)
    busy(real, one.contact_ids[0])
    real.clock.forward(301)
    assert sum(dial(again, using=real) for again in release(using=real)) == 1
    first, second = sandbox.calls()
    for told in ("vendor", "account", "to", "from", "script", "text_length"):
        assert first[told] == second[told]
    with real.ledger.reading() as db:
        made = db.execute(select(attempts).order_by(attempts.c.number)).all()
    for kept in ("account", "provider", "caller_id", "script_seconds", "zone", "allowed_by"):
        assert getattr(made[0], kept) == getattr(made[1], kept)


@pytest.mark.parametrize(
    ("earlier", "sent"),
    [
        ("unconfirmed", 0),  # it may have rung
        ("not_placed", 1),
    ],
)
def test_requests_that_placed_no_call_fill_no_cap(real, earlier, sent):
    dialing(real.ledger, [ANN], now=real.clock(), campaign="earlier")
    with real.ledger.writing() as db:
        db.execute(update(attempts).values(**as_attempt(earlier, real.clock())))
    one = sliced(real, [ANN], frequency={"per_number": "1/24h"})
    assert dial(one, using=real) == sent


@pytest.mark.parametrize("rehearsed", [True, False])
def test_a_rehearsal_fills_the_caps_of_rehearsals_only(real, rehearsed):
    """It called nobody: who was rehearsed this morning is called today."""
    dialing(real.ledger, [ANN], now=real.clock(), campaign="earlier")
    with real.ledger.writing() as db:
        db.execute(update(campaigns).values(rehearsal=rehearsed))
    one = sliced(real, [ANN], frequency={"per_number": "1/24h"})
    assert dial(one, using=real) == (1 if rehearsed else 0)
    held = explain_contact(real.ledger, one.campaign_id, parse(ANN), now=real.clock())
    assert ("has had its calls" in held.why) is not rehearsed


# Lists, accounts, expiry


@pytest.mark.parametrize(
    ("listed_for", "days", "status"),
    [
        ("", None, "suppressed"),  # everybody's
        ("main", None, "suppressed"),
        ("other", None, "running"),  # another account's
        ("", 1, "suppressed"),
        ("", -1, "running"),  # it has expired
    ],
)
def test_the_list_is_asked_at_launch_by_account_and_date(ledger, clock, listed_for, days, status):
    expires = clock() + timedelta(days=days) if days else None
    ledger.write(suppress, ANN, now=clock(), account=listed_for, expires_at=expires, **EVERYONE)
    campaign_id = seed(ledger, [ANN, numbers(2)[1]], now=clock())
    with ledger.reading() as db:
        rows = db.execute(select(contacts).where(contacts.c.campaign_id == campaign_id).order_by(contacts.c.id)).all()
    assert [row.status for row in rows] == ["suppressed" if status == "suppressed" else "pending", "pending"]
    if status == "suppressed":
        assert (rows[0].reason, rows[0].final_at) == ("on the suppression list: asked us", clock())


def test_a_number_on_two_lists_leaves_one_at_a_time(ledger, clock):
    for account in ("", "main"):
        assert ledger.write(suppress, ANN, now=clock(), account=account, **EVERYONE)
        assert not ledger.write(suppress, ANN, now=clock(), account=account, **EVERYONE)


@pytest.mark.parametrize("written", ["3", "3/24", "0/1h", "3/0h", "3/40d", "x/1h", "3/1h30m"])
def test_a_cap_that_is_none_is_refused(written):
    with pytest.raises(ValidationError):
        definition(frequency={"per_number": written})


# Evidence


def test_every_attempt_says_where_the_contact_was_what_time_it_was_there_and_what_allowed_it(real, sandbox):
    real.clock.now = datetime(2035, 12, 4, 15, 0, tzinfo=UTC)
    office = {"zone": "America/New_York", "windows": {"mon-fri": ["09:00-12:30"]}, "holidays": ["US"]}
    one = sliced(real, [ANN], zone="America/New_York", schedule=office, frequency={"per_number": "3/24h"})
    assert dial(one, using=real) == 1
    with real.ledger.reading() as db:
        made = attempt(real.ledger, db.scalars(select(attempts.c.id)).one())
    assert (made.zone, made.local_time) == ("America/New_York", "2035-12-04T10:00:00-05:00")
    assert made.allowed_by == ("tue 09:00-12:30; no holiday; at most 3/24h to this number; not on the suppression list")
