"""Answers that come one after the other are given together, so that one transaction writes many of them."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from anyio.from_thread import start_blocking_portal

from dialer.transport.flight import LOOK_SECONDS, MOST_TOGETHER, InFlightRequests
from dialer.verdicts import Ruling, Verdict

CALLS = 12
MOST = 1 + round(MOST_TOGETHER / LOOK_SECONDS)  # that come one in each wait


@contextmanager
def in_flight(comes_while_waiting: Callable[[], int]) -> Iterator[InFlightRequests]:
    """CALLS requests of which one is answered at once, and then as many as are told in each wait for others."""
    rulings: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with start_blocking_portal() as portal:
        answered = [portal.call(asyncio.Event) for _ in range(CALLS)]
        left = iter(range(CALLS))

        def answer(count: int) -> None:
            wanted = rulings.qsize() + count
            for _, number in zip(range(count), left, strict=False):
                portal.call(answered[number].set)
            while rulings.qsize() < wanted:
                portal.call(asyncio.sleep, 0)

        async def place(call: Any, _departure: Any) -> Ruling:
            await answered[call.correlation_id.int].wait()
            return Ruling(verdict=Verdict.PLACED)

        flight = InFlightRequests(portal, place, rulings, sleep=lambda _seconds: answer(comes_while_waiting()))
        requests: Any = [(SimpleNamespace(correlation_id=UUID(int=number)), None) for number in range(CALLS)]
        flight.send(requests)
        answer(1)
        yield flight


@pytest.mark.parametrize(
    ("each_wait", "batches"),
    [
        ((CALLS - 1,), [CALLS]),
        ((1,) * CALLS, [MOST, MOST]),
        ((2, 3, 4, 2), [CALLS]),
    ],
    ids=["all at once", "one by one", "a few at a time"],
)
def test_answers_that_keep_coming_are_given_together(each_wait, batches):
    assert MOST == CALLS // 2
    waits = iter(each_wait)
    with in_flight(lambda: next(waits)) as flight:
        rest = flight.wait_for_rest()
        given = [next(rest)]
        if len(batches) > 1:
            flight._sleep(0)  # the next one comes
            given.append(next(rest))
        assert [len(some) for some in given] == batches
        assert next(rest, None) is None
    assert [ruling_id.int for some in given for ruling_id, _ in some] == list(range(CALLS))
