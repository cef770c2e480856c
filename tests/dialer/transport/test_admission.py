"""As many threads work beside the event loop as leave it its time: fewer when it is late, more when it is idle."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from dialer.transport.admission import QUICK, SLOW, Admission
from tests.support.dialers import wait_for


@pytest.fixture
def loop() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


def start_a_call(admission: Admission) -> None:
    admission.learn(QUICK / 2)
    admission.learn_preparation(0.01)


def test_a_loop_that_responds_late_is_left_alone_by_all_threads_but_one(loop):
    admission = Admission(loop)
    for _ in range(10):
        admission.learn(2 * SLOW)
    assert admission.limit == 1, "the work goes on, however busy the machine is"


def test_an_idle_loop_admits_more_threads_as_long_as_they_are_wanted(loop):
    admission, before = Admission(loop, most=5), Admission(loop).limit
    start_a_call(admission)
    assert admission.limit == before, "nobody waited for a place"
    with ExitStack() as inside:
        for _ in range(5):
            inside.enter_context(admission.admitted())
            for _ in range(20):
                start_a_call(admission)
        assert admission.limit == 5, "and no more than there are threads"


def test_no_more_threads_are_inside_than_admitted_and_each_gets_its_turn(loop):
    admission, inside, most, turns = Admission(loop), [0], [0], []
    counted = threading.Lock()

    def work(number: int) -> None:
        with admission.admitted():
            with counted:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            turns.append(number)
            with counted:
                inside[0] -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(200)))
    assert sorted(turns) == list(range(200))
    assert most[0] <= admission.limit


def test_who_waits_is_let_in_when_the_loop_has_recovered(loop):
    admission, let_in = Admission(loop), threading.Event()
    admission.learn(2 * SLOW)

    def wait() -> None:
        with admission.admitted():
            let_in.set()

    with admission.admitted(), ThreadPoolExecutor(1) as threads:
        threads.submit(wait)
        assert not let_in.is_set()
        for _ in range(20):
            start_a_call(admission)
        wait_for(let_in.is_set)


def test_nobody_starts_a_call_while_the_loop_is_behind(loop):
    admission, over = Admission(loop), threading.Event()

    async def stand_still() -> None:
        time.sleep(0.3)
        over.set()

    loop.start_task_soon(stand_still)
    with admission.admitted():
        assert over.is_set()


def test_threads_that_got_no_token_do_not_make_room_for_more(loop):
    admission = Admission(loop)
    with admission.admitted():
        for _ in range(20):
            admission.learn(QUICK / 2)
    assert admission.limit == Admission(loop).limit


def test_nobody_starts_a_call_while_those_started_before_are_late(loop):
    admission, over = Admission(loop), threading.Event()

    async def caught_up() -> None:
        await asyncio.sleep(0.2)
        over.set()

    with admission.admitted(caught_up):
        assert over.is_set()
    admission.learn_preparation(0.01)
    assert admission.limit == 1
