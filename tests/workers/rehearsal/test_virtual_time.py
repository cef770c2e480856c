"""One clock for an event loop and for what blocks: it stands while anything works, and jumps when everything waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workers.rehearsal.virtual_time import NothingLeft, TurnPortal, TurnQueue, Turns, VirtualLoop

BEGINS = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop(BEGINS)
    yield loop
    loop.close()


def test_days_of_waiting_pass_at_once_and_in_their_order(loop):
    turns, events = Turns(loop), list[tuple[str, datetime]]()

    def wait(name: str, hours: float) -> None:
        turns.sleep(3600 * hours)
        events.append((name, loop.now()))

    async def all_of_them() -> None:
        await asyncio.gather(*(turns.run(wait, f"{hours} h", hours) for hours in (48, 1, 24)))

    loop.run_until_complete(all_of_them())
    assert events == [(f"{hours} h", BEGINS + timedelta(hours=hours)) for hours in (1, 24, 48)]


def test_exactly_one_works_at_any_moment_and_always_in_the_same_order():
    assert working_in_turns() == working_in_turns()


def working_in_turns() -> list[int]:
    """The order in which four workers did three pieces of work each."""
    loop = VirtualLoop(BEGINS)
    turns, inside, order = Turns(loop), list[int](), list[int]()

    def work(number: int) -> None:
        for _ in range(3):
            inside.append(number)
            assert len(inside) == 1
            order.append(number)
            inside.remove(number)
            turns.sleep(0.5)

    async def all_of_them() -> None:
        await asyncio.gather(*(turns.run(work, number) for number in range(4)))

    loop.run_until_complete(all_of_them())
    loop.close()
    assert sorted(order) == sorted([0, 1, 2, 3] * 3)
    return order


def test_the_clock_stands_while_something_blocks(loop):
    turns, seen = Turns(loop), list[datetime]()

    def compute() -> None:
        threading.Event().wait(0.01)  # of the machine's time, which is another
        seen.append(loop.now())

    loop.run_until_complete(turns.run(compute))
    assert seen == [BEGINS]


def test_what_a_blocking_function_raises_is_raised_where_it_is_awaited(loop):
    turns = Turns(loop)

    def fail() -> None:
        turns.sleep(1.0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        loop.run_until_complete(turns.run(fail))


def test_a_portal_gives_back_what_the_loop_makes_of_a_call(loop):
    turns = Turns(loop)
    portal = TurnPortal(turns)

    async def slow(value: int) -> int:
        await asyncio.sleep(60)
        return value

    def call() -> tuple[Any, ...]:
        return portal.call(asyncio.get_running_loop), portal.call(slow, 7), portal.start_task_soon(slow, 8).result()

    assert loop.run_until_complete(turns.run(call)) == (loop, 7, 8)
    assert loop.now() == BEGINS + timedelta(minutes=2)


def test_a_queue_is_waited_at_without_keeping_the_turn(loop):
    turns = Turns(loop)

    async def fill() -> Any:
        queue: TurnQueue[str] = TurnQueue(turns)
        taken = asyncio.ensure_future(turns.run(queue.get))
        await asyncio.sleep(5)
        queue.put("a ruling")
        return await taken

    assert loop.run_until_complete(fill()) == "a ruling"


def test_whoever_waits_again_and_again_for_less_than_the_clock_shows_sees_time_pass(loop):
    async def late(until: float) -> None:
        while (left := until - loop.time()) > 0:
            await asyncio.sleep(left)

    async def long_after() -> None:
        await asyncio.sleep(100_000.1)
        await late(loop.time() + 1e-12)

    loop.run_until_complete(long_after())


def test_what_can_never_end_is_an_error_and_no_standstill(loop):
    with pytest.raises(NothingLeft):
        loop.run_until_complete(asyncio.Event().wait())
