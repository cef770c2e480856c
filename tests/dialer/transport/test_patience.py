"""A time-out is not spent while our own event loop does not run."""

from __future__ import annotations

import asyncio
import time

import pytest

from dialer.transport.patience import PatientTimeout

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_who_does_not_answer_is_given_up():
    with pytest.raises(TimeoutError):
        async with PatientTimeout(0.05):
            await asyncio.Event().wait()


async def test_what_came_while_the_loop_stood_still_is_read_before_it_is_given_up():
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with PatientTimeout(0.1):
        loop.call_later(0.01, time.sleep, 0.4)
        loop.call_later(0.3, lambda: loop.call_later(0.05, answered.set))
        await answered.wait()


@pytest.mark.slow
async def test_a_loop_that_stood_still_puts_it_off_once_and_not_for_ever():
    stalls = iter(range(20))

    async def stand_still() -> None:
        for _ in stalls:
            time.sleep(0.3)
            await asyncio.sleep(0.01)

    standing = asyncio.create_task(stand_still())
    with pytest.raises(TimeoutError):
        async with PatientTimeout(0.1):
            await asyncio.Event().wait()
    assert next(stalls) < 15
    standing.cancel()


async def test_the_seconds_are_counted_anew_from_when_it_is_renewed():
    async with PatientTimeout(0.2) as limit:
        for _ in range(4):
            await asyncio.sleep(0.1)
            limit.renew(0.2)


async def test_a_block_that_ends_in_time_leaves_no_timer_that_cancels_later():
    async with PatientTimeout(0.05):
        pass
    await asyncio.sleep(0.1)
