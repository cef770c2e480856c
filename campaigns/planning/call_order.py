"""Whose turn it is in a replay: first tries in the list's order, zone by zone, and those who wait for a moment."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace

from campaigns.planning.outcome_model import RecordedOutcome

Past = tuple[RecordedOutcome, ...]
"""What a contact's requests have met so far."""

NextCall = tuple[float, int, Past]
"""When a contact is due, its place in the list, and its past."""


class CallOrder:
    """Everybody's next turn, as a campaign claims them: who waits for another try goes first, then the list's order.

    Whole zones wait as one, so that a million contacts fit.
    """

    def __init__(self, zones: Sequence[int], begin: float) -> None:
        places: dict[int, array[int]] = {}
        for place, zone in enumerate(zones):
            places.setdefault(zone, array("l")).append(place)
        self._lines = {zone: iter(line) for zone, line in places.items()}
        self._heads = [(begin, next(line), zone) for zone, line in self._lines.items()]
        self._put_off: list[NextCall] = []  # first tries
        self._again: list[NextCall] = []
        heapify(self._heads)

    def next(self, free: float) -> NextCall | None:
        """The next turn at the moment at which a call may leave, which is taken out; None when all are over."""
        first, again = self._earliest_first(), self._again
        if again and (again[0][0] <= free or first is None or again[0][0] <= first):
            return heappop(again)
        if first is None:
            return None
        heads = self._heads
        if self._put_off and not (heads and heads[0][:2] < self._put_off[0][:2]):
            return heappop(self._put_off)
        due, place, zone = heads[0]
        following = next(self._lines[zone], None)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, (due, following, zone))
        return due, place, ()

    def _earliest_first(self) -> float | None:
        """When the next first try is due."""
        tops = [heap[0][0] for heap in (self._heads, self._put_off) if heap]
        return min(tops, default=None)

    def put(self, due: float, place: int, past: Past) -> None:
        """Somebody has a turn at this moment."""
        heappush(self._again if past else self._put_off, (due, place, past))

    def put_off(self, zone: int, due: float) -> None:
        """Nobody of this zone who has not been called yet comes before this moment; ever, if it is infinite."""
        others = [head for head in self._heads if head[2] != zone]
        moved = [(max(due, head), place, one) for head, place, one in self._heads if one == zone and due < math.inf]
        self._heads = others + moved
        heapify(self._heads)

    def put_all_off(self, due: float) -> None:
        """Nobody who has not been called yet comes before this moment."""
        self._heads = [(max(due, head), place, zone) for head, place, zone in self._heads]
        heapify(self._heads)
