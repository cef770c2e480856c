"""When the next call of a simulation may be placed: pace, points, concurrency, budgets, blocks after throttles."""

from __future__ import annotations

from heapq import heappop, heappush

from campaigns.planning.capacity import DAY, Capacity, slowdown_after
from campaigns.planning.hours_cache import NEVER
from dialer.bucket.limits import MAX_SLOWDOWN, SLOWDOWN_FACTOR


class DayQuota:
    """The calls that a limit allows in a day, renewed when the day ends. Moments are Unix seconds."""

    def __init__(self, calls_per_day: float, left: float, ends: float, seconds: float) -> None:
        self._calls_per_day, self._left, self._ends, self._seconds = calls_per_day, left, ends, seconds

    def earliest(self, now: float) -> float:
        """`now`, or the beginning of the next day where this one is used up; NEVER if a day allows no call at all."""
        self._renew(now)
        if self._left >= 1:
            return now
        return self._ends if self._calls_per_day >= 1 else NEVER

    def use(self, now: float, calls: float) -> None:
        """Take so many calls from the quota."""
        self._renew(now)
        self._left -= calls

    def _renew(self, now: float) -> None:
        while now >= self._ends:
            self._left, self._ends = self._calls_per_day, self._ends + self._seconds


class SimulatedLimits:
    """All limits of one run of a simulation, and how much of them is used. Moments are Unix seconds."""

    def __init__(self, capacity: Capacity, begin: float) -> None:
        self._gap, self._account_gap, self._concurrency = capacity.gap, capacity.account_gap, capacity.concurrency
        self._slows, self._slowdown, self._slowed_at = capacity.slows, capacity.slowdown, begin
        self._other_calls, self._other_weight = capacity.other_calls, capacity.other_weight
        self._in_progress: list[float] = []  # ends of the calls in progress, a heap
        self._budget_left = NEVER if capacity.budget_calls is None else capacity.budget_calls
        self._account_days, self._campaign_days = _day_quotas(capacity, begin)
        self._next_request = begin + max(capacity.tick, capacity.blocked_for)
        self._steady_gap = max(self._gap, self._account_gap)

    def earliest(self, now: float) -> float:
        """`now`, or when the limits allow the next call; NEVER once the campaign's budget is used up."""
        if self._budget_left < 1:
            return NEVER
        now = max(now, self._next_request)
        if self._concurrency is not None and len(self._in_progress) >= self._concurrency:
            now = max(now, self._in_progress[0])
        for day in (*self._account_days, *self._campaign_days):
            now = day.earliest(now)
        return now

    def place_call(self, now: float, ended: float) -> None:
        """Count a call that is placed now and is in progress until `ended`."""
        self._budget_left -= 1
        for day in self._account_days:
            day.use(now, 1 + self._other_weight if self._other_calls > 0 else 1)
        for day in self._campaign_days:
            day.use(now, 1)
        if self._concurrency is not None:
            if len(self._in_progress) >= self._concurrency:
                heappop(self._in_progress)
            heappush(self._in_progress, ended)
        self.send_request(now)

    def send_request(self, now: float) -> None:
        """Count a request against the pace, whether or not it places a call."""
        steady = self._slowdown == 1 and self._other_calls <= 0
        self._next_request = now + (self._steady_gap if steady else self._longer_gap(now))

    def throttle(self, now: float, wait: float) -> None:
        """The provider throttles a request: send nothing for `wait` seconds, then at a lower pace."""
        self._next_request = max(self._next_request, now + wait)
        if self._slows:
            slowdown = slowdown_after(self._slowdown, now - self._slowed_at)
            self._slowdown = min(MAX_SLOWDOWN, slowdown * SLOWDOWN_FACTOR)
            self._slowed_at = now

    def _longer_gap(self, now: float) -> float:
        """Seconds to the next request while the account is below its pace, or other campaigns share it."""
        gap = self._account_gap * slowdown_after(self._slowdown, now - self._slowed_at)
        if self._other_calls <= 0:
            return max(self._gap, gap)
        step = max(self._gap, gap * (1 + self._other_weight))
        since_last = max(0.0, now - self._next_request)
        self._other_calls -= (since_last + step) / gap - 1 if gap else self._other_calls
        return step


def _day_quotas(capacity: Capacity, begin: float) -> tuple[list[DayQuota], list[DayQuota]]:
    """The account's quota and the campaign's own; each list is empty where there is no such limit."""
    account, campaign = [], []
    if capacity.day_calls is not None:
        left = capacity.day_calls if capacity.day_left is None else capacity.day_left
        ends = capacity.day_seconds if capacity.day_ends is None else capacity.day_ends
        account.append(DayQuota(capacity.day_calls, left, begin + ends, capacity.day_seconds))
    if capacity.budget_day_calls is not None:
        calls = capacity.budget_day_calls
        campaign.append(DayQuota(calls, calls, begin + capacity.budget_day_ends, DAY))
    return account, campaign
