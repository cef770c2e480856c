"""Dialing a slice, against the sandbox over real HTTP: its log of placed calls is the judge."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from campaigns.dispatch.dial import Slice, dial, slice_size
from campaigns.dispatch.release import release
from campaigns.ledger import claims
from campaigns.ledger.numbers.suppressions import suppress
from campaigns.ledger.store import LedgerUnavailable
from campaigns.ledger.tables import attempts, contacts
from campaigns.operations import control
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_calls
from dialer.bucket import TokenBucket
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.support.delivering import receive
from tests.support.dialers import callgear, failing_once, serving, wait_for, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.seeding import attempt, campaign_row, claim, contact, definition, numbers, seed

STILL = 0.001
"""A speed at which calls go on for as long as any test looks."""


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=STILL, webex_tps=10_000, late_seconds=3)) as handle:
        yield handle


@pytest.fixture
def real(ledger, redis_url, buckets, sandbox) -> Iterator[Runtime]:
    """A worker with a CallGear account, whose clock is the wall's until a test sets it."""
    accounts = {"main": callgear(sandbox.base_url("callgear"))}
    with working(ledger, redis_url, accounts, clock=HandSetClock(utc_now())) as using:
        yield using


def sliced(using: Runtime, phones: list[str], *, lease: float = 30.0, **changes: Any) -> Slice:
    """A claim on all contacts of a new campaign, as one task carries it."""
    campaign_id = seed(using.ledger, phones, now=using.clock(), **changes)
    claim_id, ids = claim(using.ledger, campaign_id, len(phones), now=using.clock(), lease=lease)
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))


def attempts_of(using: Runtime, slice_: Slice) -> list[Any]:
    with using.ledger.reading() as db:
        mine = select(attempts).where(attempts.c.campaign_id == slice_.campaign_id)
        return list(db.execute(mine.order_by(attempts.c.dialing_at)))


def statuses(using: Runtime, slice_: Slice) -> list[str]:
    return [contact(using.ledger, one).status for one in slice_.contact_ids]


def places_taken(using: Runtime, slice_: Slice) -> int:
    """How many calls of the slice the bucket holds to be in progress, which this gives back."""
    return bucket(using).end_calls([str(_id(slice_, one)) for one in slice_.contact_ids], campaign=slice_.campaign_id)


def _id(slice_: Slice, contact_id: int) -> UUID:
    moment = datetime.min.replace(tzinfo=UTC)
    claimed = claims.Claimed(
        contact_id=contact_id,
        campaign_id=slice_.campaign_id,
        claim=slice_.claim,
        phone="",
        text=None,
        voice=None,
        zone="UTC",
        not_after=None,
        due_at=moment,
        claimed_at=moment,
        lease_until=moment,
    )
    return claimed.attempt_id


def bucket(using: Runtime) -> TokenBucket:
    return using.accounts["main"].bucket


def hold(using: Runtime) -> None:
    """Keep the account's first token, so that whoever comes next has to wait for what becomes of it."""
    assert bucket(using).acquire("probe", call=False).granted


def let_go(using: Runtime) -> None:
    bucket(using).settle("probe", charged=True)


# Nobody is called twice


def test_a_slice_delivered_many_times_at_once_calls_each_number_once(real, sandbox):
    bucket(real).acquire("probe", call=False)
    let_go(real)
    campaign_id = seed(real.ledger, numbers(12), now=real.clock())
    claim_id, ids = claim(real.ledger, campaign_id, 12, now=real.clock())
    slices = [Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids[n : n + 3])) for n in (0, 3, 6, 9)]
    with ThreadPoolExecutor(16) as workers:
        sent = sum(workers.map(lambda one: dial(one, using=real), slices * 4))
    assert sent == 12
    assert sorted(call["to"] for call in sandbox.calls()) == sorted(numbers(12))
    whole = Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))
    assert {row.status for row in attempts_of(real, whole)} == {"placed"}
    assert places_taken(real, whole) == 12, "calls in progress keep their places, whoever else was told to dial them"


def test_a_second_delivery_that_overlaps_the_first_leaves_it_its_token(real, sandbox):
    """Both ask for the token by the same id: it is one token, and the call that goes on holds it."""
    one = sliced(real, numbers(1))
    hold(real)
    delivered: list[int] = []

    def first_delivery(_seconds: float) -> None:
        if not delivered:
            let_go(real)
            delivered.append(dial(one, using=real))

    assert dial(one, using=replace(real, alone=True, sleep=first_delivery)) == 0
    assert delivered == [1]
    assert len(sandbox.calls()) == 1
    assert places_taken(real, one) == 1


def test_an_old_task_dials_nothing_when_its_contacts_were_claimed_anew(real, sandbox):
    old = sliced(real, numbers(1), lease=5)
    real.clock.forward(6)
    sweep(using=real)
    claim_id, ids = claim(real.ledger, old.campaign_id, 1, now=real.clock())
    assert dial(old, using=real) == 0
    assert dial(Slice(campaign_id=old.campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=real) == 1
    assert dial(old, using=real) == 0
    assert len(sandbox.calls()) == 1


def test_a_worker_that_was_frozen_between_commit_and_send_sends_nothing(real, sandbox):
    """Its clock stood still meanwhile, so its deadline is long past when the request should leave."""
    real.clock.forward(-60)
    one = sliced(real, numbers(1))
    assert dial(one, using=real) == 1
    assert sandbox.calls() == []
    assert sandbox.requests() == []
    (row,) = attempts_of(real, one)
    assert (row.status, row.mnemonic, row.counted) == ("not_placed", "too_late", False)
    assert statuses(real, one) == ["pending"]
    assert places_taken(real, one) == 0


def test_an_answer_that_could_not_be_written_is_no_reason_to_dial_again(real, sandbox):
    one = sliced(real, numbers(1))
    with failing_once(real.ledger, "UPDATE attempts") as failed:
        assert dial(one, using=real) == 1
    assert failed
    (row,) = attempts_of(real, one)
    assert (row.status, row.provider_call_id) == ("dialing", None)
    assert dial(one, using=real) == 0
    real.clock.forward(60)
    assert sweep(using=real).marked_unconfirmed == 1
    poll_calls(real.accounts["main"], using=real)
    (row,) = attempts_of(real, one)
    (call,) = sandbox.calls()
    assert (row.status, row.provider_call_id) == ("placed", call["call_id"]), "the vendor's list knows it by our id"
    assert places_taken(real, one) == 1


def test_one_answer_that_could_not_be_written_takes_no_other_with_it(real, sandbox):
    one = sliced(real, numbers(3))
    with failing_once(real.ledger, "UPDATE attempts"):
        assert dial(one, using=real) == 3
    wait_for(lambda: len(sandbox.calls()) == 3)
    told = [row.status for row in attempts_of(real, one)]
    assert set(told) <= {"dialing", "placed"}
    assert dial(one, using=real) == 0


def test_a_cut_connection_is_in_doubt_and_not_dialed_again(real, sandbox):
    one = sliced(real, ["+14155550119", "+14155550120"])
    assert dial(one, using=real) == 2
    assert [row.status for row in attempts_of(real, one)] == ["unconfirmed", "unconfirmed"]
    assert statuses(real, one) == ["dialing", "dialing"]
    assert dial(one, using=real) == 0
    assert len(sandbox.calls()) == 1


# Every gate is asked at the moment of dialing


def late(real: Runtime, one: Slice, what: Any) -> int:
    """Dial the slice, whose token has to be waited for; while it waits, `what` happens."""
    hold(real)
    happened: list[bool] = []

    def happens(_seconds: float) -> None:
        if not happened:
            happened.append(True)
            what()
            let_go(real)

    sent = dial(one, using=replace(real, alone=True, sleep=happens))
    assert happened
    return sent


def test_a_campaign_paused_while_its_call_waited_for_a_token_dials_nothing(real, sandbox):
    one = sliced(real, numbers(1))
    assert late(real, one, lambda: control.pause(real.ledger, one.campaign_id, who="test", now=real.clock())) == 0
    assert (sandbox.calls(), statuses(real, one), places_taken(real, one)) == ([], ["pending"], 0)


def test_a_campaign_cancelled_while_its_call_waited_for_a_token_dials_nothing(real, sandbox):
    one = sliced(real, numbers(1))
    assert late(real, one, lambda: control.cancel(real.ledger, one.campaign_id, who="test", now=real.clock())) == 0
    assert (sandbox.calls(), statuses(real, one), places_taken(real, one)) == ([], ["cancelled"], 0)


def test_a_number_suppressed_while_its_call_waited_for_a_token_is_not_called(real, sandbox):
    one = sliced(real, numbers(2))
    listed = {"reason": "asked us", "source": "test", "now": real.clock()}
    assert late(real, one, lambda: real.ledger.write(suppress, numbers(1)[0], **listed)) == 1
    assert [call["to"] for call in sandbox.calls()] == [numbers(2)[1]]
    assert statuses(real, one) == ["suppressed", "placed"]
    assert contact(real.ledger, one.contact_ids[0]).reason == "on the suppression list: asked us"
    assert places_taken(real, one) == 1, "the token of the one held back is free again"


def test_a_contact_whose_not_after_passed_while_it_waited_is_not_called(real, sandbox):
    one = sliced(real, numbers(1), not_after=real.clock() + timedelta(seconds=10))
    assert late(real, one, lambda: real.clock.forward(11)) == 0
    assert (sandbox.calls(), statuses(real, one), places_taken(real, one)) == ([], ["pending"], 0)
    sweep(using=real)
    assert statuses(real, one) == ["expired"]


def test_a_window_that_closed_while_the_call_waited_puts_it_off_until_it_opens(real, sandbox):
    real.clock.now = datetime(2026, 12, 1, 19, 59, 58, tzinfo=UTC)  # a Tuesday
    schedule = {"zone": "UTC", "windows": {"mon-fri": "09:00-20:00"}}
    one = sliced(real, numbers(1), schedule=schedule)
    assert late(real, one, lambda: real.clock.forward(2)) == 0
    row = contact(real.ledger, one.contact_ids[0])
    assert (row.status, row.due_at.isoformat()) == ("pending", "2026-12-02T09:00:00+00:00")
    assert (sandbox.calls(), places_taken(real, one)) == ([], 0)


def test_windows_are_those_of_the_contacts_own_zone(real, sandbox):
    real.clock.now = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
    schedule = {"zone": "America/New_York", "windows": {"mon-fri": "09:00-20:00"}}
    open_now = sliced(real, numbers(1), schedule=schedule, zone="America/New_York")
    closed = sliced(real, numbers(1, area=212), schedule=schedule, zone="Asia/Tokyo")
    assert [dial(open_now, using=real), dial(closed, using=real)] == [1, 0]
    assert contact(real.ledger, closed.contact_ids[0]).due_at.isoformat() == "2026-12-02T00:00:00+00:00"


def test_a_lease_that_ended_while_the_call_waited_dials_nothing(real, sandbox):
    one = sliced(real, numbers(1), lease=10)
    assert late(real, one, lambda: real.clock.forward(11)) == 0
    assert (sandbox.calls(), places_taken(real, one)) == ([], 0)


@pytest.mark.parametrize("action", [control.pause, control.cancel], ids=["paused", "cancelled"])
def test_a_campaign_that_is_not_running_takes_no_token(real, sandbox, action):
    one = sliced(real, numbers(1))
    action(real.ledger, one.campaign_id, who="test", now=real.clock())
    assert dial(one, using=real) == 0
    assert bucket(real).forecast(2.0).limit == "first answer awaited", "nobody has asked the bucket yet"
    assert sandbox.calls() == []


def test_a_contact_whose_account_is_not_in_the_settings_goes_back(real, sandbox):
    one = sliced(real, numbers(1), account="gone")
    assert dial(one, using=real) == 0
    assert statuses(real, one) == ["pending"]


# Tokens


def test_without_redis_nothing_is_dialed_and_the_contacts_go_back(ledger, sandbox):
    clock = HandSetClock(utc_now())
    account = {"main": callgear(sandbox.base_url("callgear"))}
    with working(ledger, "redis://127.0.0.1:1/0", account, clock=clock) as using:
        one = sliced(using, numbers(3))
        assert dial(one, using=using) == 0
    assert sandbox.calls() == []
    rows = [contact(ledger, each) for each in one.contact_ids]
    assert {(row.status, row.due_at) for row in rows} == {("pending", clock() + timedelta(seconds=2))}


def test_contacts_whose_token_would_come_too_late_go_back_until_then(ledger, redis_url, buckets, sandbox):
    clock, slept = HandSetClock(utc_now()), []
    account = {"main": webex(sandbox.base_url("webex"), pace=0.1)}
    with working(ledger, redis_url, account, clock=clock) as using:
        one = sliced(using, numbers(3))
        assert dial(one, using=replace(using, alone=True, sleep=slept.append)) == 1
    assert slept == [], "ten seconds are more than a worker waits"
    first, *others = (contact(ledger, each) for each in one.contact_ids)
    assert first.status == "placed"
    for row in others:
        assert row.status == "pending"
        assert timedelta(seconds=8) < row.due_at - clock() <= timedelta(seconds=10)


def test_when_the_ledger_fails_at_the_gates_nothing_is_sent_and_the_tokens_go_back(real, sandbox):
    one = sliced(real, numbers(2))
    bucket(real).acquire("probe", call=False)
    let_go(real)
    with failing_once(real.ledger, "UPDATE contacts") as failed, pytest.raises(LedgerUnavailable):
        dial(one, using=real)
    assert failed
    assert (sandbox.calls(), attempts_of(real, one), places_taken(real, one)) == ([], [], 0)
    real.clock.forward(31)
    sweep(using=real)
    assert statuses(real, one) == ["pending", "pending"], "nobody is lost: the lease gives them back"


def test_when_the_ledger_fails_to_take_back_one_contact_the_others_are_called_all_the_same(real, sandbox):
    """Their attempts are committed: not sent now, they would be reported as calls that nobody knows of."""
    one = sliced(real, numbers(2))
    bucket(real).acquire("probe", call=False)
    let_go(real)
    real.ledger.write(suppress, numbers(1)[0], reason="asked us", source="test", now=real.clock())
    with failing_once(real.ledger, "UPDATE contacts", "reason=(") as failed:
        assert dial(one, using=real) == 1
    assert failed
    assert statuses(real, one) == ["claimed", "placed"]
    assert [call["to"] for call in sandbox.calls()] == [numbers(2)[1]]
    real.clock.forward(31)
    sweep(using=real)
    assert statuses(real, one) == ["pending", "placed"]


def test_a_throttled_request_stops_the_whole_account_until_the_reset(real, sandbox):
    one = sliced(real, ["+14155550123"])
    assert dial(one, using=real) == 1
    (row,) = attempts_of(real, one)
    assert (row.verdict, row.counted) == ("throttled", False)
    assert contact(real.ledger, one.contact_ids[0]).due_at > real.clock() + timedelta(seconds=10)
    refused = bucket(real).acquire("any other")
    assert refused.limit in {"blocked by the provider", "minute points"}
    assert refused.wait > 10


@pytest.mark.parametrize("ending", ["11", "16", "18", "20", "22"])
def test_a_request_is_settled_in_the_bucket_by_what_became_of_it(real, sandbox, ending):
    one = sliced(real, [f"+141555501{ending}"])
    dial(one, using=real)
    goes_on = {"11": 1, "20": 1}  # in progress, or perhaps
    assert places_taken(real, one) == goes_on.get(ending, 0)


def test_receipts_that_came_before_the_answer_was_written_are_applied_with_it(ledger, redis_url, buckets):
    """The vendor leaves our id out of one receipt: only the answer tells whose it is."""
    accounts: dict[str, Any] = {}

    def vendor(method: str, path: str, body: bytes) -> tuple[int, Any]:
        account = accounts["bulk"]
        info = {"code": "7410", "deliveryStatus": "DISCONNECTED", "timeStamp": utc_now().isoformat()}
        told = {"deliveryInfoNotification": {"deliveryInfo": info, "transid": "m-1"}}
        heard = account.provider.read_receipts(str(told).replace("'", '"').encode(), {})
        assert receive(ledger, "bulk", account.settings, heard, "as it came", now=utc_now()) == 1
        return 201, {"messageId": "m-1", "status": "queued"}

    with serving(vendor) as url, working(ledger, redis_url, {"bulk": webex(url)}) as using:
        accounts.update(using.accounts)
        one = sliced(using, numbers(1), account="bulk")
        assert dial(one, using=using) == 1
        (row,) = attempts_of(using, one)
    assert (row.status, row.provider_call_id) == ("placed", "m-1")
    assert row.conclude_at < utc_now() + timedelta(seconds=30), "an end was heard of, so it is looked into soon"


def test_the_providers_queue_and_what_comes_back_with_receipts_are_those_of_the_campaign_file(
    ledger, redis_url, buckets
):
    came: list[dict[str, Any]] = []

    def vendor(method: str, path: str, body: bytes) -> tuple[int, Any]:
        came.append(json.loads(body))
        return 201, {"messageId": "m-1", "status": "queued"}

    with serving(vendor) as url, working(ledger, redis_url, {"bulk": webex(url)}) as using:
        one = sliced(using, numbers(1), account="bulk", priority=3, callback_data="visit {{ visit }}")
        with ledger.writing() as db:
            db.execute(update(contacts).values(fields={"visit": "17"}))
        assert dial(one, using=using) == 1
    assert [(sent["priority"], sent["callbackData"]) for sent in came] == [(3, "visit 17")]


def test_slices_grow_with_the_pace_so_that_a_task_per_call_is_shown_where_it_can_be():
    assert [slice_size(pace) for pace in (0.1, 1, 2, 10, 30, 100, 1000)] == [1, 1, 1, 10, 30, 100, 100]


def test_a_recording_is_played_by_its_id(real, sandbox):
    one = sliced(real, numbers(1), message={"media": "1561"})
    assert dial(one, using=real) == 1
    assert [call["script"] for call in sandbox.calls()] == ["media"]
    assert definition(message={"media": "1561"}).is_same_for_all


def test_a_wrong_key_pauses_the_campaign_and_loses_nobody(ledger, redis_url, buckets, sandbox):
    account = {"main": callgear(sandbox.base_url("callgear"), access_token="no-such-key")}
    with working(ledger, redis_url, account) as using:
        one = sliced(using, numbers(2))
        assert dial(one, using=using) == 1, "the second finds its campaign paused"
        assert statuses(using, one) == ["pending", "pending"]
        campaign = campaign_row(ledger, one.campaign_id)
    assert campaign.status == "paused"
    assert campaign.reason.startswith("account main cannot dial: access_token_invalid")
    assert attempt(ledger, attempts_of(using, one)[0].id).counted is False


def test_two_workers_share_one_slice_pair_without_waiting_for_each_other(real, sandbox):
    """Late replies keep one thread busy; the other's calls go out all the same."""
    slow, quick = sliced(real, ["+14155550121"]), sliced(real, numbers(3))
    bucket(real).acquire("probe", call=False)
    let_go(real)
    waiting = threading.Thread(target=lambda: dial(slow, using=real))
    waiting.start()
    try:
        assert dial(quick, using=real) == 3
        assert waiting.is_alive()
    finally:
        waiting.join()
    assert len(sandbox.calls()) == 4


# Told to stop


def test_a_worker_that_was_told_to_stop_starts_no_more_calls_and_keeps_nobodys_claim(
    ledger, redis_url, buckets, sandbox
):
    accounts = {"main": callgear(sandbox.base_url("callgear"), pace=1)}
    told: list[float] = []

    def sleep(seconds: float) -> None:
        told.append(seconds)

    with working(ledger, redis_url, accounts, stopping=lambda: bool(told)) as using:
        one = sliced(using, numbers(3))
        assert dial(one, using=replace(using, alone=True, sleep=sleep)) == 1
        assert sorted(statuses(using, one)) == ["pending", "pending", "placed"]
        assert dial(one, using=using) == 0
        assert release(using=using) == []
    assert len(sandbox.calls()) == 1
