"""Pacing in a replay: when the next call may leave, by pace, points, lines, budgets and the provider's patience."""

from __future__ import annotations

from heapq import heappop, heappush

from campaigns.planning.capacity import DAY, Capacity, slowed
from campaigns.planning.hours_cache import NEVER

SLOWED_BY, MOST_SLOWED = 2.0, 16.0  # how the bucket takes a refusal for haste: dialer/bucket/lua/settle.lua


class Day:
    """Calls that a day has left, and when it begins anew."""

    def __init__(self, most: float, left: float, ends: float, seconds: float) -> None:
        self._most, self._left, self._ends, self._seconds = most, left, ends, seconds

    def earliest(self, now: float) -> float:
        """`now`, or when the next day begins where this one is used up."""
        self._begin_anew(now)
        if self._left >= 1:
            return now
        return self._ends if self._most >= 1 else NEVER

    def book(self, now: float, calls: float) -> None:
        """So many calls leave now."""
        self._begin_anew(now)
        self._left -= calls

    def _begin_anew(self, now: float) -> None:
        while now >= self._ends:
            self._left, self._ends = self._most, self._ends + self._seconds


class SimulatedLimits:
    """The limits of one replay, as its calls use them up."""

    def __init__(self, speed: Capacity, begin: float) -> None:
        self._gap, self._account_gap, self._lines = speed.gap, speed.account_gap, speed.lines
        self._slows, self._slow, self._slow_at = speed.slows, speed.slow, begin
        self._others, self._part = speed.others, speed.others_part
        self._busy: list[float] = []
        self._left = NEVER if speed.most_calls is None else speed.most_calls
        self._account_days, self._own_days = _days(speed, begin)
        self._clock = begin + max(speed.tick, speed.blocked)
        self._steady = max(self._gap, self._account_gap)

    def earliest(self, now: float) -> float:
        """`now`, or when the limits let the next call leave; NEVER once the campaign's budget is used up."""
        if self._left < 1:
            return NEVER
        now = max(now, self._clock)
        if self._lines is not None and len(self._busy) >= self._lines:
            now = max(now, self._busy[0])
        for day in (*self._account_days, *self._own_days):
            now = day.earliest(now)
        return now

    def call(self, now: float, ended: float) -> None:
        """A call leaves now, and its line is free again when it has ended."""
        self._left -= 1
        for day in self._account_days:
            day.book(now, 1 + self._part if self._others > 0 else 1)
        for day in self._own_days:
            day.book(now, 1)
        if self._lines is not None:
            if len(self._busy) >= self._lines:
                heappop(self._busy)
            heappush(self._busy, ended)
        self.request(now)

    def request(self, now: float) -> None:
        """A request leaves now, whatever it meets."""
        self._clock = now + (self._steady if self._slow == 1 and self._others <= 0 else self._held_up(now))

    def throttle(self, now: float, wait: float) -> None:
        """The provider refuses a request for haste: nothing leaves for so long, and then more slowly."""
        self._clock = max(self._clock, now + wait)
        if self._slows:
            self._slow = min(MOST_SLOWED, slowed(self._slow, now - self._slow_at) * SLOWED_BY)
            self._slow_at = now

    def _held_up(self, now: float) -> float:
        """Seconds to the next request while the account is slower than its pace, or has others to call."""
        gap = self._account_gap * slowed(self._slow, now - self._slow_at)
        if self._others <= 0:
            return max(self._gap, gap)
        step = max(self._gap, gap * (1 + self._part))
        self._others -= (max(0.0, now - self._clock) + step) / gap - 1 if gap else self._others
        return step


def _days(speed: Capacity, begin: float) -> tuple[list[Day], list[Day]]:
    """The account's day and the campaign's own, where they are limited."""
    account, own = [], []
    if speed.day_calls is not None:
        left = speed.day_calls if speed.day_left is None else speed.day_left
        ends = speed.day_seconds if speed.day_ends is None else speed.day_ends
        account.append(Day(speed.day_calls, left, begin + ends, speed.day_seconds))
    if speed.own_day_calls is not None:
        own.append(Day(speed.own_day_calls, speed.own_day_calls, begin + speed.own_day_ends, DAY))
    return account, own
