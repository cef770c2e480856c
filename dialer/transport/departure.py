"""When a request may leave: before its deadline, and in a slot of its account's pace."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from anyio import to_thread

from dialer.bucket import BucketUnavailable, CampaignLimits, Slot, TokenBucket
from dialer.bucket.limits import Slots
from dialer.deadline import Deadline

EVERY = 0.001  # requests whose slots begin together leave together: for each an iteration of the loop is too much
BEHIND = 0.1  # a request that waits for so many seconds after its own slot began says that there are too many
AT_ONCE = 8  # requests that get their slots in one iteration of the loop: more would miss them before they are written


InThread = Callable[[Callable[[], Slots]], Awaitable[Slots]]


@dataclass(slots=True)
class Departure:
    """The deadline of a request and the slot that it leaves in; `own` are the limits of its campaign.

    `left_at` is when it left last, by `steady_seconds`.
    """

    deadline: Deadline
    slot: Slot | None = None
    own: CampaignLimits | None = None
    left_at: float = 0.0

    @property
    def missed(self) -> bool:
        """Whether its slot is over."""
        return self.slot is not None and self.slot.ends < self.deadline.steady()


class Departures:
    """Lets the requests of one account leave: of those of a campaign, whichever is ready first in the next slot.

    A request that has waited (for the ledger, the event loop, a connection) until all its slots are over leaves in a
    new one, so that what a stall has held up does not leave in one burst. It belongs to one event loop, and asks Redis
    on a thread.
    """

    def __init__(self, bucket: TokenBucket, in_thread: InThread = to_thread.run_sync) -> None:
        self._bucket = bucket
        self._in_thread = in_thread
        self._queues: dict[CampaignLimits | None, _Queue] = {}

    async def wait_for_slot(self, grant_id: str, departure: Departure) -> None:
        """Return when it may leave in its slot, which may have become another, or when its deadline has passed.

        A departure that has missed its slot gets another too. Raises BucketUnavailable.
        """
        if departure.slot is not None:
            await self._queue(departure.own).wait(grant_id, departure, departure.slot)

    @property
    def are_late(self) -> bool:
        """Whether a request is `BEHIND`; to be asked on the event loop."""
        return any(queue.is_behind for queue in self._queues.values())

    def _queue(self, own: CampaignLimits | None) -> _Queue:
        if own not in self._queues:
            self._queues = {limits: queue for limits, queue in self._queues.items() if queue.waiting}
            self._queues[own] = _Queue(self._bucket, own, self._in_thread)
        return self._queues[own]


@dataclass(order=True, slots=True)
class _Waiting:
    """A request that waits for its turn: the one whose own slot was the first."""

    slot: Slot
    number: int
    grant_id: str = field(compare=False)
    departure: Departure = field(compare=False)
    ready: asyncio.Future[None] = field(compare=False)


class _Queue:
    """The requests of one campaign that wait for a slot, and the slots that may still be used."""

    def __init__(self, bucket: TokenBucket, own: CampaignLimits | None, in_thread: InThread) -> None:
        self._bucket = bucket
        self._in_thread = in_thread
        self._own = own
        self._slots: list[Slot] = []  # a heap
        self.waiting: list[_Waiting] = []  # a heap
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = math.inf
        self._asking: asyncio.Task[None] | None = None

    @property
    def is_behind(self) -> bool:
        """Whether a request waits too long."""
        return bool(self.waiting) and self.waiting[0].slot.begins + BEHIND < self._bucket.steady()

    async def wait(self, grant_id: str, departure: Departure, slot: Slot) -> None:
        """As `Departures.wait_for_slot`."""
        if slot.ends >= self._bucket.steady():
            heapq.heappush(self._slots, slot)
        ready = asyncio.get_running_loop().create_future()
        heapq.heappush(self.waiting, _Waiting(slot, next(self._numbers), grant_id, departure, ready))
        if slot.begins < self._wakes_at:
            self._advance()
        await ready

    def _advance(self) -> None:
        """Let leave who may, ask for slots that are missing, and come back when the next slot begins."""
        if self._timer:
            self._timer.cancel()
        self._timer, self._wakes_at = None, math.inf
        now = self._bucket.steady()
        while self._slots and self._slots[0].ends < now:
            heapq.heappop(self._slots)
        gone = 0
        while self.waiting and gone < AT_ONCE and self._first_goes(now):
            heapq.heappop(self.waiting)
            gone += 1
        if not self.waiting:
            return
        missing = len(self.waiting) - len(self._slots)
        if missing > 0 and self._asking is None:
            self._asking = asyncio.create_task(self._ask([waiting.grant_id for waiting in self.waiting[:missing]]))
        wait = self.waiting[0].departure.deadline.seconds_left()
        wait = max(EVERY, min(wait, self._slots[0].begins - now if self._slots else wait)) if gone < AT_ONCE else 0.0
        self._wakes_at, self._timer = now + wait, asyncio.get_running_loop().call_later(wait, self._advance)

    def _first_goes(self, now: float) -> bool:
        first = self.waiting[0]
        if first.ready.done():
            return True
        if self._slots and self._slots[0].begins <= now:
            first.departure.slot = heapq.heappop(self._slots)
        elif not first.departure.deadline.passed():
            return False
        elif self._slots:
            self._slots.remove(max(self._slots))  # its token may be granted to another now
            heapq.heapify(self._slots)
        first.ready.set_result(None)
        return True

    async def _ask(self, grant_ids: Sequence[str]) -> None:
        try:
            slots = await self._in_thread(lambda: self._bucket.next_slots(grant_ids, own=self._own))
        except BucketUnavailable as exc:
            self._refuse_those_without_slot(exc)
        else:
            for place in range(len(grant_ids)):
                heapq.heappush(self._slots, slots[place])
        finally:
            self._asking = None
        self._advance()

    def _refuse_those_without_slot(self, why: BucketUnavailable) -> None:
        self.waiting.sort()
        without = self.waiting[len(self._slots) :]
        del self.waiting[len(self._slots) :]
        for waiting in without:
            if not waiting.ready.done():
                waiting.ready.set_exception(why)
