"""The waiting is handed to the provider only where the campaign says so, and never past a window or `not_after`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.release import release
from campaigns.dispatch.vendor_queue import AHEAD, due_by, otherwise_due, send_at
from campaigns.launch.checking.checks import check
from campaigns.ledger.claims import Claimed
from campaigns.ledger.numbers.frequency_caps import cap_clears_at
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import CampaignStatus
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.rulings import accept, mark_unconfirmed
from dialer.deadline import utc_now
from dialer.providers.registry import provider_for
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from dialer.verdicts import Ruling, Verdict
from tests.support.dialers import StatusVendor, callgear, door, serving, wait_for, webex, working
from tests.support.seeding import (
    attempt,
    campaign_row,
    claim,
    contact,
    definition,
    dialing,
    fresh,
    numbers,
    open_all,
    seed,
)

NOW = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)  # a Tuesday
WINDOWS = {"zone": "UTC", "windows": {"mon-fri": "09:00-17:00"}, "vendor_queue": True}
AT_NINE = NOW.replace(hour=9)
QUEUE = {"vendor_queue": True}
ONE_AN_HOUR = {"per_number": "1/1h"}
WEBEX, CALLGEAR = provider_for(webex()), provider_for(callgear())


def claimed(due_at: datetime, not_after: datetime | None = None) -> Claimed:
    return Claimed(
        contact_id=1,
        campaign_id="reminders-1",
        claim=uuid4(),
        phone="+14155550101",
        text=None,
        voice={},
        zone="UTC",
        not_after=not_after,
        due_at=due_at,
        claimed_at=NOW,
        lease_until=NOW,
    )


def asked(due_at: datetime, not_after: datetime | None = None, now: datetime = NOW, **schedule: Any) -> datetime | None:
    return send_at(definition(schedule=WINDOWS | schedule), WEBEX, claimed(due_at, not_after), (now,))


CASES = [
    ("it waits for its window", AT_NINE, {}, AT_NINE),
    ("it is due", NOW, {}, None),
    ("the campaign waits by itself", AT_NINE, {"vendor_queue": False}, None),
    ("outside every window", NOW.replace(hour=8), {}, None),
    ("its window is about to close", NOW.replace(hour=16, minute=56), {}, None),
    ("well before its window closes", NOW.replace(hour=16, minute=54), {}, NOW.replace(hour=16, minute=54)),
    ("its not_after is near", AT_NINE, {"not_after": AT_NINE + timedelta(minutes=4)}, None),
    ("its not_after is past that", AT_NINE, {"not_after": AT_NINE + timedelta(minutes=6)}, AT_NINE),
    ("the campaign ends", AT_NINE, {"end": "2026-12-01T09:03"}, None),
    ("tomorrow", AT_NINE + timedelta(days=1), {}, None),
]


@pytest.mark.parametrize(("due_at", "facts", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_call_is_handed_over_only_when_its_moment_is_a_good_one(due_at, facts, expected):
    assert asked(due_at, **facts) == expected


def test_a_clock_that_nobody_believes_hands_nothing_over():
    written = definition(schedule=WINDOWS)
    assert send_at(written, WEBEX, claimed(AT_NINE), (NOW, NOW - timedelta(hours=1))) is None
    assert due_by(written, WEBEX, (NOW, NOW - timedelta(hours=1))) == NOW
    assert due_by(written, WEBEX, (NOW,)) == NOW + AHEAD


def test_a_provider_that_cannot_wait_is_handed_nothing_though_the_campaign_went_on_with_it():
    written = definition(schedule=WINDOWS)
    assert send_at(written, CALLGEAR, claimed(AT_NINE), (NOW,)) is None
    assert due_by(written, CALLGEAR, (NOW,)) == NOW


def test_who_cannot_be_handed_over_is_due_in_the_next_window_or_at_the_end():
    late = claimed(NOW.replace(hour=16, minute=58))
    assert otherwise_due(definition(schedule=WINDOWS), late) == AT_NINE + timedelta(days=1)
    ending = definition(schedule=WINDOWS | {"end": "2026-12-01T17:00"})
    assert otherwise_due(ending, late) == ending.ends_at


def test_a_provider_that_cannot_wait_is_told_of_before_launch(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "campaign: c\naccount: main\ncontacts: {file: c.csv}\nmessage: {tts: Hello}\n"
        "caller_id: '+18005550100'\nschedule: {vendor_queue: true}\n"
    )
    (tmp_path / "c.csv").write_text("phone\n+14155550101\n")
    with pytest.raises(DefinitionFaults, match="cannot be asked to wait"):
        check(file, {"main": callgear()})


def test_the_provider_waits_and_the_ledger_follows(ledger, redis_url):
    accounts: dict[str, Any] = {}
    with running(SandboxConfig(speed=20)) as sandbox, door(ledger, lambda: accounts) as notify_url:
        settings = {"main": webex(sandbox.base_url("webex"), speed=20, settle_seconds=5)}
        with working(ledger, redis_url, settings, notify_url=notify_url) as using:
            accounts |= using.accounts
            due_at = using.clock() + timedelta(seconds=10)
            waiting = seed(ledger, ["+14155550101", "+14155550102"], now=utc_now(), schedule={"vendor_queue": True})
            near = seed(ledger, ["+14155550103"], now=utc_now(), schedule={"vendor_queue": True})
            by_itself = seed(ledger, ["+14155550104"], now=utc_now())
            with ledger.writing() as db:
                db.execute(update(contacts).values(due_at=due_at))
                soon = due_at + timedelta(minutes=1)
                db.execute(update(contacts).where(contacts.c.campaign_id == near).values(not_after=soon))
            sent = sum(dial(one, using=using) for one in release(using=using))
            assert sent == 2, "two wait at the provider, the others here"
            with ledger.reading() as db:
                rows = db.execute(select(attempts.c.campaign_id, attempts.c.status, attempts.c.send_at)).all()
            assert {(row.campaign_id, row.status, row.send_at) for row in rows} == {(waiting, "placed", due_at)}
            assert sandbox.calls() == []
            sweep(using=using)
            wait_for(lambda: len(sandbox.calls()) == 2 and _all_ended(ledger, using))
            assert all(
                datetime.fromisoformat(call["placed_at"]) >= due_at.replace(microsecond=0) for call in sandbox.calls()
            )
    with ledger.reading() as db:
        told = dict(db.execute(select(contacts.c.campaign_id, contacts.c.status)).all())
    assert told[waiting] == "reached"
    assert by_itself in told


def _all_ended(ledger: Any, using: Any) -> bool:
    sweep(using=using)
    with ledger.reading() as db:
        return set(db.scalars(select(attempts.c.outcome))) == {"answered"}


@pytest.fixture
def worker(ledger, redis_url, buckets, clock) -> Iterator[Runtime]:
    """A worker with a spare account that cannot wait, and a provider that is not there: nothing is ever placed."""
    with working(ledger, redis_url, {"main": webex(), "spare": callgear()}, clock=clock) as using:
        yield using


def taken_up(using: Runtime, due_in: timedelta, **changes: Any) -> Slice:
    """A retry due in so long, claimed to be handed over."""
    campaign_id = seed(using.ledger, numbers(1), now=using.clock(), **{"schedule": QUEUE} | changes)
    with using.ledger.writing() as db:
        mine = contacts.c.campaign_id == campaign_id
        db.execute(update(contacts).where(mine).values(due_at=using.clock() + due_in, tries=1, attempts=1))
    (one,) = release(using=using)
    return one


def dialed(using: Runtime, *slices: Slice) -> int:
    return sum(dial(one, using=replace(using, alone=True, sleep=lambda _seconds: None)) for one in slices)


def due(using: Runtime, one: Slice) -> datetime:
    row = contact(using.ledger, one.contact_ids[0])
    assert row.status == "pending"
    return row.due_at


def test_a_retry_whose_token_is_late_is_still_not_called_before_its_moment(worker, buckets, clock):
    half_an_hour = timedelta(minutes=30)
    moment = clock() + half_an_hour
    one = taken_up(worker, half_an_hour)
    worker.accounts["main"].bucket.settle("x", charged=False, block=50.0)
    assert dialed(worker, one) == 0
    assert due(worker, one) == moment
    buckets.flushall()
    clock.forward(5)
    assert dialed(worker, *release(using=worker)) == 1
    with worker.ledger.reading() as db:
        assert db.scalars(select(attempts.c.send_at)).all() == [moment]


def test_a_retry_is_not_called_before_its_moment_where_redis_is_away(ledger, redis_url, buckets, clock):
    with working(ledger, redis_url, {"main": webex()}, clock=clock) as using:
        one = taken_up(using, timedelta(minutes=30))
    with working(ledger, "redis://127.0.0.1:9/0", {"main": webex()}, clock=clock) as using:
        assert dialed(using, one) == 0
        assert due(using, one) == clock() + timedelta(minutes=30)


def test_a_contact_claimed_to_hand_over_is_not_called_by_an_account_that_cannot_wait(worker, clock):
    one = taken_up(worker, timedelta(hours=2), accounts=["main", "spare"])
    with worker.ledger.writing() as db:
        db.execute(update(campaigns).values(account="spare"))
    assert dialed(worker, one) == 0
    assert due(worker, one) == clock() + timedelta(hours=2)
    assert release(using=worker) == [], "the account that calls now takes it up when it is due"
    clock.forward(2 * 3600)
    assert dialed(worker, *release(using=worker)) == 1


def test_a_contact_claimed_to_hand_over_is_not_called_by_a_clock_that_is_not_trusted(ledger, redis_url, buckets, clock):
    told = [clock()]
    with working(ledger, redis_url, {"main": webex()}, clock=clock, possible_times=lambda: told) as using:
        one = taken_up(using, timedelta(hours=2))
        told.append(clock() - timedelta(hours=1))
        assert dialed(using, one) == 0
        assert due(using, one) == clock() + timedelta(hours=2)


def test_the_ledger_opens_no_attempt_before_its_moment(ledger, clock):
    campaign_id = seed(ledger, numbers(1), now=clock() + timedelta(hours=2))
    claim_id, ids = claim(ledger, campaign_id, 1, now=clock() + timedelta(hours=2))
    assert open_all(ledger, claim_id, ids, now=clock()) == set()


def test_a_worker_that_stops_leaves_the_moment_as_it_was(worker, clock):
    one = taken_up(worker, timedelta(minutes=30))
    told = itertools.chain([False], itertools.repeat(True))  # once its token is taken
    assert dialed(replace(worker, stopping=lambda: next(told)), one) == 0
    assert due(worker, one) == clock() + timedelta(minutes=30)


def test_a_pause_between_token_and_request_leaves_the_moment_as_it_was(worker, clock):
    one = taken_up(worker, timedelta(minutes=30))

    def pausing() -> datetime:  # the worker has read its campaign by then
        if campaign_row(worker.ledger, one.campaign_id).status is CampaignStatus.RUNNING:
            control.pause(worker.ledger, one.campaign_id, who="ann", now=clock())
        return clock()

    assert dialed(replace(worker, clock=pausing, possible_times=lambda: [clock()]), one) == 0
    assert due(worker, one) == clock() + timedelta(minutes=30)


def test_who_is_at_the_cap_at_its_moment_waits_for_the_moment_at_which_it_is_not(worker, clock):
    earlier = dialing(worker.ledger, numbers(1), now=clock(), campaign="other")[0]
    one = taken_up(worker, timedelta(minutes=30), frequency=ONE_AN_HOUR)
    clears = earlier.dialing_at + timedelta(hours=1)
    assert dialed(worker, one) == 0
    assert due(worker, one) == clears
    clock.forward(1)
    assert dialed(worker, *release(using=worker)) == 1
    with worker.ledger.reading() as db:
        mine = select(attempts.c.send_at).where(attempts.c.campaign_id == one.campaign_id)
        assert db.scalars(mine).all() == [clears], "and no later, however often it was held back"


@pytest.mark.parametrize(
    ("minutes", "clears"),
    [(-61, None), (-59, 60), (59, 60), (61, None)],
    ids=["an hour before", "soon before", "soon after", "an hour after"],
)
def test_a_call_handed_over_counts_when_it_is_placed(ledger, clock, minutes, clears):
    """Whoever asks for a moment near it is held, and whoever asks for one that is far from it is not."""
    (handed,) = dialing(ledger, numbers(1), now=clock())
    moment = clock() + timedelta(hours=5)
    with ledger.writing() as db:
        db.execute(update(attempts).values(send_at=moment))
    ledger.write(accept, fresh(ledger, handed.id), "m", webex(), now=clock())
    with ledger.reading() as db:
        caps = definition(frequency=ONE_AN_HOUR).caps
        held = cap_clears_at(db, numbers(1)[0], caps, moment + timedelta(minutes=minutes), rehearsal=False)
    assert (held and held[0]) == (clears and moment + timedelta(minutes=clears))


def test_a_cap_holds_a_call_shortly_before_one_that_was_handed_over(worker, clock):
    dialing(worker.ledger, numbers(1), now=clock(), campaign="other")
    with worker.ledger.writing() as db:
        db.execute(update(attempts).values(send_at=clock() + timedelta(hours=2)))
    clears = clock() + timedelta(hours=3)
    clock.forward(2 * 3600 - 60)
    one = taken_up(worker, timedelta(0), frequency=ONE_AN_HOUR, schedule={})
    assert dialed(worker, one) == 0
    assert due(worker, one) == clears


LATE = Ruling(verdict=Verdict.UNCONFIRMED)
TRIES = {"max_attempts": 3, "busy": ["5m"]}


def handed_over(ledger: Any, clock: Any, **changes: Any) -> Any:
    """An attempt whose request has left: to be placed in two hours."""
    (one,) = dialing(ledger, numbers(1), now=clock(), on_unknown="redial", retry=TRIES, **changes)
    with ledger.writing() as db:
        db.execute(update(attempts).values(send_at=clock() + timedelta(hours=2)))
    return fresh(ledger, one.id)


@pytest.mark.parametrize("known", [False, True], ids=["unconfirmed", "placed"])
def test_nobody_is_redialed_before_the_provider_must_have_placed_the_call(worker, clock, known):
    one = handed_over(worker.ledger, clock)
    settings = webex(settle_seconds=180)
    if known:
        worker.ledger.write(accept, one, None, settings, now=clock())
    else:
        worker.ledger.write(mark_unconfirmed, one, LATE, settle_seconds=180.0, now=clock())
    clock.forward(2 * 3600 + 300 + 179)
    assert sweep(using=worker).concluded == 0
    clock.forward(60)
    assert sweep(using=worker).concluded == 1
    assert contact(worker.ledger, one.contact_id).status == "pending"


def test_a_call_that_still_waits_at_the_provider_is_not_given_up(ledger, redis_url, buckets, clock):
    vendor = StatusVendor()
    with serving(vendor.reply) as url, working(ledger, redis_url, {"main": webex(url)}, clock=clock) as using:
        one = handed_over(ledger, clock)
        ledger.write(accept, one, "m-1", using.accounts["main"].settings, now=clock())
        vendor.calls["m-1"] = {"status": "queued"}
        clock.forward(2 * 3600)
        for _ in range(5):
            clock.forward(1800)
            buckets.flushall()
            assert sweep(using=using).concluded == 0
        assert len(vendor.asked) == 5
        assert attempt(ledger, one.id).status == "placed"
