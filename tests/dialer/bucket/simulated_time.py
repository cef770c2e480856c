"""A provider and its callers in simulated time: real scripts on a real Redis, whose clock is ours."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import redis

from dialer.bucket import AcquireResult, CampaignLimits, Limits, TokenBucket, Urgency
from dialer.verdicts import Meter

START = 1_800_000_000.0


@dataclass
class Provider:
    """Fixed windows of a phase that nobody knows; takes points for successes; tells whole seconds to the reset."""

    limit: int
    seconds: float
    phase: float
    charged: Counter[int] = field(default_factory=Counter)
    refused: int = 0

    def window(self, now: float) -> int:
        return int((now - self.phase) // self.seconds)

    def meter(self, now: float) -> Meter:
        number = self.window(now)
        resets = self.phase + (number + 1) * self.seconds - now
        return Meter(
            minute_limit=self.limit, minute_remaining=self.limit - self.charged[number], minute_reset=float(int(resets))
        )

    def take(self, points: int, now: float) -> bool:
        """Charge a request that arrives now; False: the limit is exceeded."""
        if self.charged[self.window(now)] + points > self.limit:
            self.refused += 1
            return False
        self.charged[self.window(now)] += points
        return True


@dataclass
class Wanted:
    """One call that somebody wants to make."""

    id: str
    points: int
    own: CampaignLimits
    asked: float
    urgency: Urgency = Urgency.NORMAL


class World:
    """Runs callers against a bucket, event by event; `granted` tells when each got its token."""

    def __init__(self, buckets: redis.Redis, limits: Limits, *, metered: bool, seed: int) -> None:
        self.now = START
        self.bucket = TokenBucket(buckets, "main", limits, metered=metered, clock=lambda: self.now)
        self.rng = Random(seed)
        self.granted: dict[str, float] = {}
        self.wanted: dict[str, Wanted] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, moment: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), do))

    def want(self, one: Wanted, then: Callable[[Wanted], None]) -> None:
        """Ask at its time and, as callers do, again whenever the bucket says; `then` when its token is good."""
        self.wanted[one.id] = one
        self.at(one.asked, lambda: self._ask(one, then))

    def _ask(self, one: Wanted, then: Callable[[Wanted], None]) -> None:
        answer = self._acquire(one)
        moment = self.now + answer.wait
        if answer.granted:
            self.granted[one.id] = moment
            self.at(moment, lambda: then(one))
        else:
            assert answer.wait > 0, answer
            self.at(moment, lambda: self._ask(one, then))

    def _acquire(self, one: Wanted) -> AcquireResult:
        return self.bucket.acquire(one.id, own=one.own, points=one.points, urgency=one.urgency, lease=20.0)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        until = self.now + seconds
        while self._events and self._events[0][0] <= until:
            moment, _, do = heapq.heappop(self._events)
            self.now = max(self.now, moment)
            do()
        self.now = until
