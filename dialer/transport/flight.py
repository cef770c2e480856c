"""Requests that are out: sent at once on the process's event loop, their rulings coming back in any order."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import UUID

from anyio.from_thread import BlockingPortal

from dialer.calls import CallRequest
from dialer.deadline import Deadline
from dialer.verdicts import Ruling, Verdict

LOST_RULING = Ruling(verdict=Verdict.UNCONFIRMED, detail="our own process gave up on the request")

Place = Callable[[CallRequest, Deadline], Awaitable[Ruling]]
Rulings = list[tuple[UUID, Ruling]]


class InFlightRequests:
    """The requests of one thread. Only `wait_for_rest` waits for an answer, so more can be sent meanwhile.

    Never raises for what a provider does, and gives exactly one ruling for each call.
    """

    def __init__(self, loop: BlockingPortal, place: Place) -> None:
        self._loop = loop
        self._place = place
        self._answers: queue.SimpleQueue[tuple[UUID, Ruling]] = queue.SimpleQueue()
        self._out = 0

    def send(self, calls: Sequence[tuple[CallRequest, Deadline]]) -> None:
        """Send these requests now, all together."""
        if calls:
            self._loop.start_task_soon(self._place_all, calls)
            self._out += len(calls)

    def finished(self) -> Rulings:
        """The rulings that have come since the last time."""
        rulings: Rulings = []
        while not self._answers.empty():
            rulings.append(self._answers.get())
        self._out -= len(rulings)
        return rulings

    def wait_for_rest(self) -> Iterator[Rulings]:
        """Wait for all that are still out; yield those that are there together."""
        while self._out:
            first = self._answers.get()
            self._out -= 1
            yield [first, *self.finished()]

    async def _place_all(self, calls: Sequence[tuple[CallRequest, Deadline]]) -> None:
        await asyncio.gather(*(self._place_one(*one) for one in calls), return_exceptions=True)

    async def _place_one(self, call: CallRequest, deadline: Deadline) -> None:
        ruling = LOST_RULING
        try:
            ruling = await self._place(call, deadline)
        finally:
            self._answers.put((call.correlation_id, ruling))
