"""The token bucket that keeps all workers and campaigns together under one account's limits.

One Lua script, one round trip, Redis's own clock. Usable alone:

    bucket = TokenBucket(redis.Redis(), "main", Limits(pace=5, minute_points=150), metered=True)
    answer = bucket.acquire("attempt-1")
    if answer.granted:
        ...                                        # place the call
        bucket.settle("attempt-1", charged=True, meter=meter)
    else:
        sleep(answer.wait)                         # answer.limit says which limit binds

Without Redis nothing is granted: every method raises `BucketAway`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dialer.errors import DialerError
from dialer.verdicts import Meter

MICROSECONDS = 1_000_000
BURST_OF_A_SECOND = 0.05
FLIGHT_LEASE = 120.0
CALL_LEASE = 600.0
LONGEST_BLOCK = 60.0


class BucketAway(DialerError):
    """Redis does not answer, so no token is granted and nothing is dialed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be used: calls per second, points a minute and a day, calls in progress. None: not limited here.

    `look_seconds`: calls leave as many points in the provider's minute as looks at them, so far apart, will take.
    """

    pace: float
    minute_points: int | None = None
    day_points: int | None = None
    concurrency: int | None = None
    call_points: int = 1
    look_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLimits:
    """What one campaign may use of its account."""

    campaign: str = ""
    pace: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Granted, or the seconds to wait and the limit that binds."""

    granted: bool
    wait: float
    limit: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many calls the next seconds can carry; `limit` is what binds, for another `wait` seconds."""

    calls: int
    limit: str
    wait: float


def connect(url: str) -> redis.Redis:
    """A connection for buckets: it never repeats a command by itself, for a script repeated may be charged twice."""
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=2.0, decode_responses=True
    )


class TokenBucket:
    """The bucket of one account. `metered` says that the provider tells its own figures with its answers."""

    def __init__(self, connection: redis.Redis, account: str, limits: Limits, *, metered: bool = False) -> None:
        self.account = account
        self.limits = limits
        self.metered = metered
        self._redis = connection

    def acquire(
        self,
        grant_id: str,
        *,
        own: CampaignLimits | None = None,
        points: int | None = None,
        call: bool = True,
    ) -> Answer:
        """Take the tokens for one call, or learn how long to wait. The same id asked again is charged nothing.

        `call=False` is for a request that starts no call: it takes points, and the pace only where the provider tells
        no figures of its own.
        """
        own = own or CampaignLimits()
        granted, wait, limit = self._run(
            "acquire",
            own.campaign,
            grant_id,
            points or self.limits.call_points,
            _us(FLIGHT_LEASE),
            _us(CALL_LEASE) if call else 0,
            own.campaign,
            self._interval,
            self._burst,
            _us(1 / own.pace) if own.pace else 0,
            *self._windows,
            self.limits.concurrency or 0,
            own.concurrency or 0,
            int(self.metered),
            self._look_interval,
        )
        return Answer(bool(granted), wait / MICROSECONDS, limit)

    def settle(
        self,
        grant_id: str,
        *,
        charged: bool | None,
        call_goes_on: bool = False,
        meter: Meter | None = None,
        block: float | None = None,
        campaign: str = "",
    ) -> bool:
        """Say what became of a grant; `charged` None means that nobody knows. True the first time.

        `block` (seconds) stops every grant of the account for so long: the provider said that it is used up.
        """
        fate = {True: "charged", False: "free", None: "unknown"}[charged]
        blocked = _us(min(block, LONGEST_BLOCK) if meter is None else block) if block else 0
        figures = _figures(meter or Meter())
        return bool(self._run("settle", campaign, grant_id, fate, blocked, int(call_goes_on), *figures))

    def hang_up(self, grant_ids: Iterable[str], *, campaign: str = "") -> int:
        """Free the places of calls that have ended; returns how many were still taken."""
        ids = list(grant_ids)
        return int(self._run("hang_up", campaign, *ids)) if ids else 0

    def turn(self, name: str, seconds: float) -> bool:
        """True for the first to ask in so many seconds, among all workers."""
        try:
            key = f"{{bucket:{self.account}}}:turn:{name}"
            return bool(self._redis.set(key, 1, nx=True, px=max(1, int(seconds * 1000))))
        except RedisError as exc:
            raise self._away(exc) from exc

    def forecast(self, horizon: float, *, own: CampaignLimits | None = None) -> Forecast:
        """How many calls the next `horizon` seconds can carry, taking nothing."""
        own = own or CampaignLimits()
        calls, limit, wait = self._run(
            "forecast",
            own.campaign,
            _us(horizon),
            own.campaign,
            self._interval,
            self._burst,
            _us(1 / own.pace) if own.pace else 0,
            *self._windows,
            self.limits.concurrency or 0,
            own.concurrency or 0,
            int(self.metered),
            self.limits.call_points,
            self._look_interval,
        )
        return Forecast(int(calls), limit, wait / MICROSECONDS)

    @property
    def _interval(self) -> int:
        return _us(1 / self.limits.pace)

    @property
    def _burst(self) -> int:
        return max(1, int(self.limits.pace * BURST_OF_A_SECOND))

    @property
    def _look_interval(self) -> int:
        return _us(self.limits.look_seconds) if self.limits.look_seconds else 0

    @property
    def _windows(self) -> tuple[int, int]:
        return self.limits.minute_points or 0, self.limits.day_points or 0

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        lua = files("dialer") / "lua"
        common = (lua / "common.lua").read_text()
        names = ("acquire", "settle", "forecast", "hang_up")
        return {name: self._redis.register_script(common + (lua / f"{name}.lua").read_text()) for name in names}

    def _keys(self, campaign: str) -> list[str]:
        tag = f"{{bucket:{self.account}}}"
        return [f"{tag}:{part}" for part in ("state", "flight", "points", "calls", f"calls:{campaign}")]

    def _run(self, script: str, campaign: str, *args: object) -> Any:
        try:
            return self._scripts[script](keys=self._keys(campaign), args=list(args))
        except RedisError as exc:
            raise self._away(exc) from exc

    def _away(self, exc: RedisError) -> BucketAway:
        return BucketAway(
            f"Redis does not answer ({type(exc).__name__}), so no call of account {self.account} may start",
            "start Redis, or correct redis.url; dialing goes on by itself",
        )


def _us(seconds: float) -> int:
    return int(seconds * MICROSECONDS)


def _figures(meter: Meter) -> list[object]:
    figures = (
        meter.minute_limit,
        meter.minute_remaining,
        meter.minute_reset,
        meter.day_limit,
        meter.day_remaining,
        meter.day_reset,
    )
    return ["" if figure is None else figure for figure in figures]
