"""The budget in money of one run of a simulation: what a call may cost is kept back until it has ended."""

from __future__ import annotations

from heapq import heappop, heappush

from campaigns.planning.hours_cache import NEVER


class SimulatedMoney:
    """What is left of a budget, in millionths. Moments are Unix seconds."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._kept_back: list[tuple[float, int]] = []  # of calls in progress, by their end: what each gives back then
        self.used_up = False

    def free_at(self, now: float, amount: int) -> float:
        """`now` where so much can be kept back, else when the next call ends; NEVER where none goes on."""
        while self._kept_back and self._kept_back[0][0] <= now:
            self._left += heappop(self._kept_back)[1]
        if amount <= self._left:
            return now
        self.used_up = not self._kept_back
        return NEVER if self.used_up else self._kept_back[0][0]

    def use(self, kept_back: int, cost: int, ended: float) -> None:
        """Keep this back for a call that ends then, and has cost so much by then."""
        self._left -= kept_back
        heappush(self._kept_back, (ended, kept_back - cost))
