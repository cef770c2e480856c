"""Requests in flight: sent from a thread on the process's event loop, their rulings collected as they come."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import UUID

from anyio.from_thread import BlockingPortal

from dialer.calls import CallRequest
from dialer.transport.departure import Departure
from dialer.transport.portal import start_soon
from dialer.verdicts import Ruling, Verdict

LOST_RULING = Ruling(verdict=Verdict.UNCONFIRMED, detail="our own process gave up on the request")
MOST_TOGETHER = 0.25  # seconds for which an answer waits for others, so that one transaction writes them
LOOK_SECONDS = 0.05  # after so long it is looked whether all have come

Place = Callable[[CallRequest, Departure], Awaitable[Ruling]]
Rulings = list[tuple[UUID, Ruling]]
RulingQueue = queue.SimpleQueue[tuple[UUID, Ruling]]


class InFlightRequests:
    """The requests of one slice. Only `wait_for_rest` blocks, so more can be sent meanwhile.

    Each call gets exactly one ruling, with its correlation id, in the order in which answers come. No method raises for
    a failure of the provider or the network; a request that our own process abandons is UNCONFIRMED. One thread at a
    time sends, and one asks for what has finished.
    """

    def __init__(
        self,
        loop: BlockingPortal,
        place: Place,
        rulings: RulingQueue | None = None,
        sleep: Callable[[float], None] = time.sleep,
        came: Callable[[], object] = lambda: None,
    ) -> None:
        """`rulings` is what they are collected in, and `sleep` waits, where a thread waits in a way of its own.

        `came` is called on the event loop after each ruling that has come.
        """
        self._loop = loop
        self._place = place
        self._rulings = queue.SimpleQueue() if rulings is None else rulings
        self._sleep = sleep
        self._came = came
        self._sent = self._finished = 0  # each of them is counted by one thread

    def send(self, calls: Sequence[tuple[CallRequest, Departure]]) -> None:
        """Start sending these requests, each in its slot, and return at once."""
        if calls:
            start_soon(self._loop, self._place_all, calls)
            self._sent += len(calls)

    @property
    def in_flight(self) -> int:
        """How many requests have no ruling yet, or one that nobody has asked for."""
        return self._sent - self._finished

    @property
    def all_came(self) -> bool:
        """Whether there is a ruling for each request, asked for or not."""
        return self._rulings.qsize() >= self.in_flight

    def finished(self) -> Rulings:
        """The rulings that have come since the last call of this method; may be empty."""
        rulings: Rulings = []
        while not self._rulings.empty():
            rulings.append(self._rulings.get())
        self._finished += len(rulings)
        return rulings

    def wait_for_rest(self) -> Iterator[Rulings]:
        """Wait until no request is in flight; yield rulings as they come, those of a moment as one list."""
        while self.in_flight:
            rulings, waited = [self._rulings.get()], 0.0
            self._finished += 1
            while self.in_flight and waited < MOST_TOGETHER:
                self._sleep(LOOK_SECONDS)
                waited += LOOK_SECONDS
                rulings += self.finished()
            yield rulings

    async def _place_all(self, calls: Sequence[tuple[CallRequest, Departure]]) -> None:
        await asyncio.gather(*(self._place_one(call, departure) for call, departure in calls), return_exceptions=True)

    async def _place_one(self, call: CallRequest, departure: Departure) -> None:
        ruling = LOST_RULING
        try:
            ruling = await self._place(call, departure)
        finally:
            self._rulings.put((call.correlation_id, ruling))
            self._came()
