"""Before calls are started the event loop has done what it had at hand, and says whose requests are late."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from dialer.bucket import Limits, Slot, TokenBucket
from dialer.deadline import Deadline, steady_seconds, utc_now
from dialer.transport.admission import LONGEST_PREPARATION, LONGEST_WAIT, Admission
from dialer.transport.departure import Departure, Departures
from tests.support.patience import PATIENCE


@pytest.fixture
def loop() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


def test_nobody_starts_a_call_while_the_loop_is_behind(loop):
    over = threading.Event()

    async def stand_still() -> None:
        time.sleep(0.3)
        over.set()

    loop.start_task_soon(stand_still)
    Admission(loop).wait_for_the_loop()
    assert over.is_set()


def test_what_came_while_the_loop_stood_still_is_waited_for_too(loop):
    began, done = threading.Event(), list[str]()

    async def stand_still(name: str) -> None:
        began.set()
        time.sleep(0.2)
        done.append(name)

    loop.start_task_soon(stand_still, "at hand")
    began.wait()
    for place in range(2):
        loop.start_task_soon(stand_still, f"came {place}")
    Admission(loop).wait_for_the_loop()
    assert done == ["at hand", "came 0", "came 1"]


def test_a_loop_that_does_not_answer_is_not_waited_for_without_end(loop):
    admission, over, moves_on = Admission(loop), threading.Event(), threading.Event()

    async def stand_still() -> None:
        over.wait(PATIENCE)
        moves_on.set()

    loop.start_task_soon(stand_still)
    began = time.monotonic()
    admission.wait_for_the_loop()
    assert time.monotonic() - began >= 2 * LONGEST_WAIT
    assert not moves_on.is_set()
    over.set()


def test_it_says_of_which_accounts_requests_are_late(loop, buckets):
    slow = Departures(TokenBucket(buckets, "slow", Limits(pace=0.01)))
    idle = Departures(TokenBucket(buckets, "idle", Limits(pace=100)))
    missed = steady_seconds() - 1.0
    request = Departure(Deadline(utc_now() + timedelta(seconds=60)), Slot(missed, missed + 0.1))
    slow._bucket.next_slots(["another"])
    waiting = loop.start_task_soon(slow.wait_for_slot, "late", request)
    admission = Admission(loop)
    assert admission.wait_for_the_loop([slow, idle]) == {slow}
    waiting.cancel()


def test_what_writing_takes_is_learnt_and_bounded(loop):
    admission = Admission(loop)
    for _ in range(100):
        admission.learn_preparation(0.02)
    assert admission.preparation == pytest.approx(0.03, abs=0.001)
    for _ in range(100):
        admission.learn_preparation(5.0)
    assert admission.preparation == LONGEST_PREPARATION
