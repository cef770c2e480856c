"""Waiting for tokens: no longer than the horizon, no longer than the campaign runs, and with requests out meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from campaigns.dispatch.dial import Slice, dial
from campaigns.dispatch.token_wait import READ_SECONDS, STEP, WaitingCampaigns
from campaigns.operations import control
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from dialer.transport.flight import InFlightRequests
from dialer.transport.portal import loop_of
from tests.support.dialers import wait_for, webex, working
from tests.support.fixtures import HandSetClock
from tests.support.patience import PATIENCE
from tests.support.seeding import claim, contact, numbers, seed
from tests.support.statements import statements


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    with running(SandboxConfig(seed=1, speed=0.001, webex_tps=10_000, late_seconds=8)) as handle:
        yield handle


@pytest.fixture
def worker(ledger, redis_url, buckets, sandbox) -> Iterator[Any]:
    """A worker whose account has this pace."""
    clock, opened = HandSetClock(utc_now()), []

    def make(pace: float) -> Runtime:
        opened.append(
            working(ledger, redis_url, {"main": webex(sandbox.base_url("webex"), pace=pace, timeout=20)}, clock=clock)
        )
        return opened[-1].__enter__()

    yield make
    for one in opened:
        one.__exit__(None, None, None)


def sliced(using: Runtime, phones: list[str], **changes: object) -> Slice:
    campaign_id = seed(using.ledger, phones, now=using.clock(), **changes)
    claim_id, ids = claim(using.ledger, campaign_id, len(phones), now=using.clock())
    return Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids))


def test_the_next_tokens_are_taken_while_requests_are_out(worker, sandbox):
    """The first answer takes long; a slice that waited for it before going on would leave the pipe empty."""
    using = worker(pace=20)
    one = sliced(using, ["+14155550121", *numbers(4)])
    dialing = threading.Thread(target=lambda: dial(one, using=using))
    dialing.start()
    try:
        wait_for(lambda: len(sandbox.calls()) == 5)
        assert dialing.is_alive(), "its first answer is still to come"
        wait_for(lambda: [contact(using.ledger, each).status for each in one.contact_ids[1:]] == ["placed"] * 4)
    finally:
        dialing.join()
    assert contact(using.ledger, one.contact_ids[0]).status == "placed"


def test_pausing_gives_the_place_in_the_line_back_at_once(worker, sandbox):
    using = worker(pace=0.6)
    bucket = using.accounts["main"].bucket
    bucket.acquire("another")
    one = sliced(using, numbers(2))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            assert bucket.peek().waiting == {one.campaign_id: 1}
            control.pause(using.ledger, one.campaign_id, who="test", now=using.clock())

    assert dial(one, using=replace(using, alone=True, sleep=sleep)) == 0
    assert sum(slept) <= 0.2, "a tenth of a second and a step"
    assert bucket.peek().waiting == {}
    assert [contact(using.ledger, each).status for each in one.contact_ids] == ["pending", "pending"]
    assert sandbox.calls() == []


def test_whether_campaigns_go_on_is_read_for_all_that_wait_in_one_statement(worker):
    now = [0.0]
    using = replace(worker(pace=20), steady=lambda: now[0])
    phones = numbers(8)
    ids = [seed(using.ledger, [phone], now=using.clock(), campaign=f"one-{phone[-4:]}") for phone in phones]
    waiting = WaitingCampaigns()
    assert all(waiting.is_running(one, using) for one in ids)
    control.pause(using.ledger, ids[3], who="test", now=using.clock())
    with statements(using.ledger) as asked:
        for _ in range(2 * round(READ_SECONDS / STEP) + 1):
            now[0] += STEP
            running = [waiting.is_running(one, using) for one in ids]
    assert running == [one != ids[3] for one in ids]
    assert len(asked) <= 3, asked


def test_a_worker_that_is_told_to_stop_leaves_the_line(ledger, redis_url, buckets, sandbox):
    told: list[bool] = []
    accounts = {"main": webex(sandbox.base_url("webex"), pace=0.6)}
    with working(ledger, redis_url, accounts, clock=HandSetClock(utc_now()), stopping=lambda: bool(told)) as using:
        bucket = using.accounts["main"].bucket
        bucket.acquire("another")
        one = sliced(using, numbers(1))
        assert dial(one, using=replace(using, alone=True, sleep=lambda _seconds: told.append(True))) == 0
        assert bucket.peek().waiting == {}
    assert contact(ledger, one.contact_ids[0]).status == "pending"


@pytest.mark.parametrize("pace", [0.3, 0.6, 3.0])
def test_no_worker_waits_longer_than_the_horizon(worker, sandbox, pace):
    using = worker(pace=pace)
    one = sliced(using, numbers(12))
    slept: list[float] = []
    sent = dial(one, using=replace(using, alone=True, sleep=slept.append))
    assert sum(slept) <= using.horizon
    assert 1 <= sent < 12
    rows = [contact(using.ledger, each) for each in one.contact_ids]
    assert [row.status for row in rows] == ["placed"] * sent + ["pending"] * (12 - sent)
    assert using.accounts["main"].bucket.peek().waiting == {}
    assert all(row.due_at - using.clock() <= timedelta(seconds=1 / pace) for row in rows)


def test_at_a_high_pace_several_calls_take_their_tokens_in_one_turn(worker, sandbox, buckets):
    using = worker(pace=500)
    one = sliced(using, numbers(50))
    using.accounts["main"].bucket.acquire("first")
    before = buckets.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert dial(one, using=using) == 50
    turns = buckets.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert turns <= 50 + 25, "fifty answers settled, and fewer turns than calls"


@contextmanager
def waiting_for_its_token(using: Runtime, one: Slice) -> Iterator[Future[int]]:
    """A slice on a thread of its own, which waits in the line behind another's call."""
    bucket = using.accounts["main"].bucket
    bucket.acquire("another")
    with ThreadPoolExecutor(1) as threads:
        dialed = threads.submit(dial, one, using=replace(using, horizon=60.0))
        wait_for(lambda: bucket.peek().waiting == {one.campaign_id: 1})
        yield dialed


def test_the_loop_of_the_process_gives_back_who_waits_when_the_campaign_is_paused(worker, sandbox):
    using = worker(pace=0.2)
    one = sliced(using, numbers(2))
    with waiting_for_its_token(using, one) as dialed:
        control.pause(using.ledger, one.campaign_id, who="test", now=using.clock())
        assert dialed.result() == 0
    assert using.accounts["main"].bucket.peek().waiting == {}
    assert [contact(using.ledger, each).status for each in one.contact_ids] == ["pending", "pending"]
    assert sandbox.calls() == []


def test_the_loop_of_the_process_gives_back_who_waits_when_the_process_is_to_end(ledger, redis_url, buckets, sandbox):
    told = threading.Event()
    accounts = {"main": webex(sandbox.base_url("webex"), pace=0.2)}
    with working(ledger, redis_url, accounts, clock=HandSetClock(utc_now()), stopping=told.is_set) as using:
        one = sliced(using, numbers(1), campaign="ends")  # the status of another is known for a second
        with waiting_for_its_token(using, one) as dialed:
            told.set()
            assert dialed.result() == 0
        assert using.accounts["main"].bucket.peek().waiting == {}
    assert contact(ledger, one.contact_ids[0]).status == "pending"


def test_the_loop_of_the_process_ends_with_its_last_slice(worker):
    using = worker(pace=100)
    assert dial(sliced(using, numbers(3)), using=using) == 3
    wait_for(lambda: not {"turns", "answers"} & {thread.name for thread in threading.enumerate()})
    assert dial(sliced(using, numbers(3, first=50)), using=using) == 3, "and begins anew"


def test_what_keeps_the_loop_from_its_turns_is_raised_to_the_slice(worker, sandbox):
    """And the next slice is dialed: the loop itself goes on."""
    using = worker(pace=100)
    one, another = sliced(using, numbers(2)), sliced(using, numbers(2, first=50))
    broken = replace(using.accounts["main"], admission=None)
    with pytest.raises(AttributeError):
        dial(one, using=replace(using, accounts={"main": broken}))
    assert dial(another, using=using) == 2
    assert len(sandbox.calls()) == 2


def test_a_slice_whose_requests_cannot_be_sent_waits_for_no_answer(worker, sandbox):
    """The event loop of a process that ends has ended before its last slice."""
    using = worker(pace=100)
    with start_blocking_portal() as ended:
        loop_of(ended)
    account = replace(using.accounts["main"], new_flight=lambda _loop, place: InFlightRequests(ended, place))
    with ThreadPoolExecutor(1) as threads:
        dialed = threads.submit(dial, sliced(using, numbers(2)), using=replace(using, accounts={"main": account}))
        with pytest.raises(RuntimeError):
            dialed.result(PATIENCE)
    assert sandbox.calls() == []
