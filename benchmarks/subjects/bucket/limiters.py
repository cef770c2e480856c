"""The limiters that are measured, behind one interface: may a request leave now, and if not, how long must it wait?"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import redis

from dialer.bucket import CampaignLimits, Limits, TokenBucket, connect
from dialer.verdicts import Meter

LIBRARIES = ("limits fixed", "limits moving", "throttled bucket", "throttled gcra", "pyrate log", "pyrate gcra")
OURS = "ours"
EVERYONE = (*LIBRARIES, OURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The limits: requests a second, and requests in a window of seconds; for which campaign, with which weight."""

    url: str
    rate: int | None = None
    window: tuple[int, float] | None = None
    metered: bool = False
    campaign: str = "campaign"
    weight: float = 1.0
    own_pace: float | None = None
    skew: float = 0.0
    lease: float = 120.0


class Limiter(Protocol):
    """One limiter. `calls` counts its round trips to Redis."""

    calls: int

    def ask(self, name: str) -> tuple[bool, float]:
        """Granted or not, and the seconds to wait: before using it, or before asking again."""

    def settle(self, name: str, *, charged: bool, meter: Meter | None) -> None:
        """Tell the limiter what became of the request. Only ours uses it."""


class Library:
    """A library, asked once for each limit as its documents say. The wait is the one that it returns."""

    def __init__(self, ask_each: list[Callable[[str], float]]) -> None:
        self.calls = 0
        self._ask_each = ask_each

    def ask(self, name: str) -> tuple[bool, float]:
        for ask in self._ask_each:
            self.calls += 1
            if (wait := ask(name)) >= 0:
                return False, max(wait, 0.001)
        return True, 0.0

    def settle(self, name: str, *, charged: bool, meter: Meter | None) -> None:
        pass


class Ours:
    """The token bucket, all limits in one script."""

    def __init__(self, task: Task) -> None:
        self.calls = 0
        limits = Limits(
            pace=task.rate or 1e6,
            minute_points=task.window[0] if task.window and not task.metered else None,
            minute_seconds=task.window[1] if task.window else 60.0,
        )
        self._own = CampaignLimits(campaign=task.campaign, weight=task.weight, pace=task.own_pace)
        self._lease = task.lease
        self.bucket = TokenBucket(connect(task.url), "bench", limits, metered=task.metered)

    def ask(self, name: str) -> tuple[bool, float]:
        self.calls += 1
        answer = self.bucket.acquire(name, own=self._own, call=True, lease=self._lease, call_lease=1.0)
        return answer.granted, answer.wait

    def settle(self, name: str, *, charged: bool, meter: Meter | None) -> None:
        self.bucket.settle(name, charged=charged, meter=meter, campaign=self._own.campaign)


def made(kind: str, task: Task) -> Limiter:
    """A limiter of this kind for this task."""
    if kind == OURS:
        return Ours(task)
    bounds = [(task.rate, 1.0)] if task.rate else []
    bounds += [task.window] if task.window else []
    maker = {"limits": _limits, "throttled": _throttled, "pyrate": _pyrate}[kind.split()[0]]
    return Library([maker(kind, int(limit), seconds, task) for limit, seconds in bounds])


def _limits(kind: str, limit: int, seconds: float, task: Task) -> Callable[[str], float]:
    from limits import RateLimitItemPerSecond
    from limits.storage import RedisStorage
    from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

    if task.skew:
        real = time.time
        time.time = lambda: real() + task.skew
    item = RateLimitItemPerSecond(limit, int(seconds))
    limiter: Any = (FixedWindowRateLimiter if "fixed" in kind else MovingWindowRateLimiter)(RedisStorage(task.url))

    def ask(_name: str) -> float:
        if limiter.hit(item, "bench"):
            return -1.0
        return max(0.0, limiter.get_window_stats(item, "bench").reset_time - time.time())

    return ask


def _throttled(kind: str, limit: int, seconds: float, task: Task) -> Callable[[str], float]:
    from throttled import RateLimiterType, Throttled, per_duration
    from throttled.store import RedisStore

    using = RateLimiterType.GCRA if "gcra" in kind else RateLimiterType.TOKEN_BUCKET
    limiter = Throttled(
        using=using.value, quota=per_duration(timedelta(seconds=seconds), limit), store=RedisStore(server=task.url)
    )

    def ask(_name: str) -> float:
        result = limiter.limit(f"bench{seconds:g}")
        return max(0.0, result.state.retry_after) if result.limited else -1.0

    return ask


def _pyrate(kind: str, limit: int, seconds: float, task: Task) -> Callable[[str], float]:
    from pyrate_limiter import GCRA, Rate, RateItem, RedisBucket, RedisStateStore, StateBucket

    client, rates = redis.Redis.from_url(task.url), [Rate(limit, int(seconds * 1000))]
    key = f"bench{seconds:g}"
    bucket: Any = (
        StateBucket(rates, GCRA(), RedisStateStore(client, key))
        if "gcra" in kind
        else RedisBucket.init(rates, client, key)
    )

    def ask(name: str) -> float:
        item = RateItem(name, int((time.time() + task.skew) * 1000))
        return -1.0 if bucket.put(item) else max(0.0, bucket.waiting(item) / 1000)

    return ask


_numbers = itertools.count()


def name() -> str:
    """A unique name for one request."""
    return f"{os.getpid()}-{next(_numbers)}"
