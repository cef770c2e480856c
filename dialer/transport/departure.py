"""When a request may leave: before its deadline, and in a slot of its account's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from anyio import to_thread

from dialer.bucket import BucketUnavailable, CampaignLimits, Slot, TokenBucket
from dialer.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Departure:
    """The deadline of a request and its slot; `own` are the limits of its campaign.

    A request that has waited (for the ledger, the event loop, a connection) until its slot is over leaves in a new one,
    so that what a stall has held up does not leave in one burst.
    """

    deadline: Deadline
    slot: Slot | None = None
    own: CampaignLimits | None = None

    @property
    def missed(self) -> bool:
        """Whether its slot is over."""
        return self.slot is not None and self.slot.missed


class SlotExchange:
    """Gives requests of one account new slots, those that need one at the same time in one question to Redis.

    It belongs to one event loop, and asks on a thread.
    """

    def __init__(self, bucket: TokenBucket) -> None:
        self._bucket = bucket
        self._asking: list[tuple[str, CampaignLimits | None, asyncio.Future[Slot]]] = []
        self._task: asyncio.Task[None] | None = None

    async def next_departure(self, grant_id: str, departure: Departure) -> Departure:
        """The same with a new slot. Raises BucketUnavailable."""
        answer: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self._asking.append((grant_id, departure.own, answer))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._ask())
        return replace(departure, slot=await answer)

    async def _ask(self) -> None:
        while self._asking:
            asking, self._asking = self._asking, []
            for own, some in groupby(asking, key=lambda one: one[1]):
                await self._ask_for(own, [(name, answer) for name, _, answer in some])

    async def _ask_for(self, own: CampaignLimits | None, asking: Sequence[tuple[str, asyncio.Future[Slot]]]) -> None:
        names = [name for name, _ in asking]
        try:
            slots = await to_thread.run_sync(lambda: self._bucket.next_slots(names, own=own))
        except BucketUnavailable as exc:
            for _, answer in asking:
                if not answer.done():
                    answer.set_exception(exc)
            return
        for place, (_, answer) in enumerate(asking):
            if not answer.done():
                answer.set_result(slots[place])
