"""The token bucket that keeps all workers and campaigns together under one account's limits.

One Lua script, one round trip, Redis's own clock. Usable alone:

    bucket = TokenBucket(connect("redis://localhost"), "main", Limits(pace=5, minute_points=150), metered=True)
    answer = bucket.take("attempt-1", patience=2.0)    # waits its turn in the line; `acquire` asks once
    if answer.granted:
        ...                                            # place the call
        bucket.settle("attempt-1", charged=True, meter=meter)
    else:
        ...                                            # answer.limit binds, for another answer.wait seconds

What a caller can rely on:

* All limits are taken at once or none: pace, the provider's minute and day, calls in progress, the campaign's own.
* A provider's window is never exceeded by what this bucket grants. Where the provider tells its figures (`metered`),
  `lowest remaining − in flight` is what is left; where it does not, points are paced so that no phase can exceed.
* The same id asked again is the same grant, charged once, for as long as it is in flight or its call is in progress.
* The line is fair between campaigns by weight, however many workers ask for each. Who stops asking loses the place
  within a quarter of a second after he was to ask again.
* What a dead worker held comes back when its lease ends: points when no request can be under
  way so long (`flight_lease`), a place among calls after ten minutes.
* Without Redis nothing is granted: every method raises `BucketUnavailable`. After a loss of data the bucket grants one
  request, and waits for the provider's answer before it grants more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from dialer.bucket.limits import (
    AcquireResult,
    BucketState,
    CampaignLimits,
    CostExceedsLimit,
    Forecast,
    GrantResult,
    Limits,
    Urgency,
    Window,
)
from dialer.bucket.scripts import MICROSECONDS, NO_CAMPAIGN, BucketScripts, microseconds
from dialer.verdicts import Meter

CALL_LEASE_SECONDS = 600.0
LONGEST_BLOCK_SECONDS = 60.0


def connect(url: str) -> redis.Redis:
    """A connection for buckets: it never repeats a command by itself, for a script repeated may be charged twice."""
    return redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=2.0, decode_responses=True
    )


class TokenBucket:
    """The bucket of one account. `metered` says that the provider tells its own figures with its answers.

    `clock` (seconds) stands in for Redis's own clock in tests.
    """

    def __init__(
        self,
        connection: redis.Redis,
        account: str,
        limits: Limits,
        *,
        metered: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.account = account
        self.limits = limits
        self.metered = metered
        self._redis = connection
        self._scripts = BucketScripts(connection, account, limits, metered=metered, clock=clock)

    def acquire(
        self,
        grant_id: str,
        *,
        own: CampaignLimits | None = None,
        points: int | None = None,
        tokens: int = 1,
        call: bool = True,
        urgency: Urgency = Urgency.NORMAL,
        lease: float | None = None,
        call_lease: float = CALL_LEASE_SECONDS,
    ) -> AcquireResult:
        """Take the tokens for one call, or learn how long to wait and keep a place in the line until then.

        Ask again by the same id: it is the ticket. Who does not mean to gives the place back with `leave_queue`.

        A token may be granted for the next slot of the pace: it is yours `wait` seconds from now. `tokens` is what the
        request counts for in the pace, `points` in the windows. `call=False` is for a request that starts no call: it
        takes points, and the pace only where the provider tells no figures of its own.
        Raises CostExceedsLimit when it costs more than a window holds.
        """
        return self._take([grant_id], own, points, tokens, call, urgency, lease, call_lease)[1]

    def acquire_many(
        self,
        grant_ids: Sequence[str],
        *,
        own: CampaignLimits | None = None,
        urgency: Urgency = Urgency.NORMAL,
    ) -> tuple[int, AcquireResult]:
        """Take the tokens for as many of these calls as there is room for, in one turn: how many of the first ids.

        Their tokens are good at one moment. Fewer turns than calls, where a turn for each would cost too much.
        """
        return self._take(grant_ids, own, None, 1, True, urgency, None, CALL_LEASE_SECONDS)

    def _take(
        self,
        ids: Sequence[str],
        own: CampaignLimits | None,
        points: int | None,
        tokens: int,
        call: bool,
        urgency: Urgency,
        lease: float | None,
        call_lease: float,
    ) -> tuple[int, AcquireResult]:
        asked, leases = (
            points or self.limits.call_points,
            (microseconds(lease or self.limits.flight_lease), microseconds(call_lease) if call else 0),
        )
        first, *further = ids
        granted, wait, limit = self._scripts.run(
            "acquire", own or NO_CAMPAIGN, first, asked, tokens, *leases, int(urgency), *further
        )
        if granted < 0:
            raise CostExceedsLimit(
                f"{asked} points are asked for, and {limit} are never more than {wait}", "ask for less"
            )
        return granted, AcquireResult(granted > 0, wait / MICROSECONDS, limit)

    def take(
        self,
        grant_id: str,
        *,
        patience: float,
        own: CampaignLimits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        **what: Any,
    ) -> AcquireResult:
        """Acquire, waiting in the line for no longer than `patience` seconds; a token taken is good at once.

        Not granted, the place in the line is given back. `what` is as for `acquire`.
        """
        while True:
            answer = self.acquire(grant_id, own=own, **what)
            if not answer.granted and answer.wait > patience:
                self.leave_queue([grant_id], own=own)
                return answer
            sleep(answer.wait)
            patience -= answer.wait
            if answer.granted:
                return AcquireResult(True, 0.0, "")

    def leave_queue(self, grant_ids: Iterable[str], *, own: CampaignLimits | None = None) -> int:
        """Give back places in the line; returns how many there were."""
        ids = list(grant_ids)
        return int(self._scripts.run("leave_queue", own or NO_CAMPAIGN, *ids)) if ids else 0

    def settle(
        self,
        grant_id: str,
        *,
        charged: bool | None,
        sent: bool = True,
        call_in_progress: bool = False,
        meter: Meter | None = None,
        block: float | None = None,
        campaign: str = "",
    ) -> bool:
        """Say what became of a grant; `charged` None means that nobody knows. True the first time.

        `sent=False`: the request never left, so that the pace goes back too if nobody has booked behind it.
        `block` (seconds) stops every grant of the account for so long, and longer each time in a row where the
        provider tells no figures: it said that we were too fast, and the pace is halved for a while.
        """
        settled = GrantResult(
            grant_id=grant_id, charged=charged, sent=sent, call_in_progress=call_in_progress, meter=meter, block=block
        )
        return self.settle_all([settled], campaign=campaign) == 1

    def settle_all(self, settled: Iterable[GrantResult], *, campaign: str = "") -> int:
        """Settle these grants of one campaign, in one round trip; how many of them for the first time."""
        told = [_as_told(one) for one in settled]
        return sum(self._scripts.run_each("settle", CampaignLimits(campaign=campaign), told)) if told else 0

    def end_calls(self, grant_ids: Iterable[str], *, campaign: str = "") -> int:
        """Free the places of calls that have ended; returns how many were still taken."""
        ids = list(grant_ids)
        return int(self._scripts.run("end_calls", CampaignLimits(campaign=campaign), *ids)) if ids else 0

    def forecast(
        self, horizon: float, *, own: CampaignLimits | None = None, urgency: Urgency = Urgency.NORMAL
    ) -> Forecast:
        """How many calls of this urgency the next `horizon` seconds can carry, taking nothing."""
        what = (microseconds(horizon), self.limits.call_points, int(urgency))
        calls, limit, wait = self._scripts.run("forecast", own or NO_CAMPAIGN, *what)
        return Forecast(int(calls), limit, wait / MICROSECONDS)

    def share_day(self, weights: Mapping[str, float]) -> None:
        """Share the day's points among these campaigns by weight, from now on; a campaign not named is not bound."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                for campaign, weight in weights.items():
                    pipe.hset(self._scripts.key(f"campaign:{campaign}"), "w", str(weight))
                pipe.hset(self._scripts.key("state"), "W", str(sum(weights.values())))
                pipe.execute()
        except RedisError as exc:
            raise self._scripts.away(exc) from exc

    def peek(self) -> BucketState:
        """How the bucket stands, changing nothing."""
        said = json.loads(self._scripts.run("peek", NO_CAMPAIGN))
        windows = [
            Window(**{**one, "resets_in": one["resets_in"] / MICROSECONDS})
            for one in said["windows"] or []  # an empty Lua table is an object in JSON
        ]
        return BucketState(
            windows=tuple(windows),
            pace=said["pace"],
            pace_name=said["pace_name"],
            pace_free_in=said["pace_free_in"] / MICROSECONDS,
            in_flight=int(said["in_flight"]),
            calls=said["calls"],
            most_calls=said["most_calls"] or None,
            blocked_for=said["blocked_for"] / MICROSECONDS,
            cold=said["cold"],
            waiting=dict(said["waiting"]),
            points_per_call=int(said["points_per_call"]) or None,
            clock_behind=said["clock_behind"] / MICROSECONDS,
        )

    def claim_turn(self, name: str, seconds: float) -> bool:
        """True for the first to ask in so many seconds, among all workers."""
        try:
            return bool(self._redis.set(self._scripts.key(f"turn:{name}"), 1, nx=True, px=max(1, int(seconds * 1000))))
        except RedisError as exc:
            raise self._scripts.away(exc) from exc

    def release_turn(self, name: str) -> None:
        """Leave a turn to whoever asks next: nothing came of it."""
        try:
            self._redis.delete(self._scripts.key(f"turn:{name}"))
        except RedisError as exc:
            raise self._scripts.away(exc) from exc


def _as_told(settled: GrantResult) -> list[object]:
    """A settlement as `settle.lua` has it."""
    fate = {True: "charged", False: "free" if settled.sent else "unsent", None: "unknown"}[settled.charged]
    block = settled.block if settled.block is None or settled.meter else min(settled.block, LONGEST_BLOCK_SECONDS)
    blocked = microseconds(block) if block else 0
    return [settled.grant_id, fate, blocked, int(settled.call_in_progress), *_figures(settled.meter or Meter())]


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
