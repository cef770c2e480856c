"""The order of calls in a simulation: retries that are due first, then first calls in the order of the list."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace

from campaigns.planning.outcome_model import RecordedOutcome

CallHistory = tuple[RecordedOutcome, ...]
"""The results of a contact's requests so far, oldest first; empty before the first."""

NextCall = tuple[float, int, CallHistory]
"""When the contact is due (Unix seconds), its index in the list, and its history."""


class CallOrder:
    """Priority queue of the contacts still to be called, in the order in which workers claim them.

    Contacts without a call yet are queued one entry per zone, not one per contact, so that a million of them fit.
    """

    def __init__(self, zones: Sequence[int], begin: float) -> None:
        """`zones` holds each contact's zone index, in the order of the list; all are due at `begin`."""
        by_zone: dict[int, array[int]] = {}
        for index, zone in enumerate(zones):
            by_zone.setdefault(zone, array("l")).append(index)
        self._uncalled = {zone: iter(indexes) for zone, indexes in by_zone.items()}
        self._zone_heads = [(begin, next(indexes), zone) for zone, indexes in self._uncalled.items()]
        self._delayed: list[NextCall] = []  # first calls that were put off one by one
        self._retries: list[NextCall] = []
        heapify(self._zone_heads)

    def pop(self, free_at: float) -> NextCall | None:
        """Remove and return the next call, when the limits allow one at `free_at`; None when no contact is left."""
        first_due, retries = self._first_call_due(), self._retries
        if retries and (retries[0][0] <= free_at or first_due is None or retries[0][0] <= first_due):
            return heappop(retries)
        if first_due is None:
            return None
        heads = self._zone_heads
        if self._delayed and not (heads and heads[0][:2] < self._delayed[0][:2]):
            return heappop(self._delayed)
        due, index, zone = heads[0]
        following = next(self._uncalled[zone], None)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, (due, following, zone))
        return due, index, ()

    def _first_call_due(self) -> float | None:
        earliest = [heap[0][0] for heap in (self._zone_heads, self._delayed) if heap]
        return min(earliest, default=None)

    def push(self, due: float, index: int, history: CallHistory) -> None:
        """Queue a contact for this moment: a retry if it has a history, else a first call."""
        heappush(self._retries if history else self._delayed, (due, index, history))

    def delay_zone(self, zone: int, until: float) -> None:
        """Let no contact of this zone have its first call before `until`; an infinite `until` drops the zone."""
        others = [head for head in self._zone_heads if head[2] != zone]
        delayed = [
            (max(until, due), index, zone)
            for due, index, head_zone in self._zone_heads
            if head_zone == zone and until < math.inf
        ]
        self._zone_heads = others + delayed
        heapify(self._zone_heads)

    def delay_all(self, until: float) -> None:
        """Let no contact have its first call before `until`."""
        self._zone_heads = [(max(until, due), index, zone) for due, index, zone in self._zone_heads]
        heapify(self._zone_heads)
