"""The token bucket that keeps all workers and campaigns together under one account's limits.

One Lua script, one round trip, Redis's own clock. Usable alone:

    bucket = TokenBucket(connect("redis://localhost"), "main", Limits(pace=5, minute_points=150), metered=True)
    answer = bucket.take("attempt-1", patience=2.0)    # waits in the queue; `acquire` asks once
    if answer.granted:
        ...                                            # place the call
        bucket.settle("attempt-1", charged=True, meter=meter)
    else:
        ...                                            # answer.limit was hit; ask again in answer.wait seconds

What a caller can rely on:

* A request gets its tokens from all limits or from none: pace, the provider's minute and day, calls in progress, and
  the campaign's own limits.
* The grants never exceed a window of the provider. If the provider gives its own figures (`metered`), the points left
  are `lowest remaining − in flight`. If not, calls are spread evenly, so the limit holds whenever its minute starts.
* A request repeated with the same id gets the same grant, charged once, while it is in flight or its call in progress.
* The queue is fair between campaigns by weight, however many workers ask for each. A request that is not repeated when
  its wait is over loses its place a quarter of a second later.
* A refusal costs no points at a `metered` provider, so a request that starts no call is not held back by points alone:
  an operator's is always granted, a poll at least once in `poll_seconds`. Its success tells what is left.
* What a dead worker held is freed when its lease ends: its points after `flight_lease` seconds, its places among the
  calls in progress after ten minutes.
* Without Redis nothing is granted: every method raises `BucketUnavailable`. If Redis has lost its data, a metered
  bucket grants one request and waits for the provider's answer before it grants more.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import redis
from redis.exceptions import RedisError

from dialer.bucket.limits import (
    AcquireResult,
    BucketState,
    BucketUnavailable,
    CampaignLimits,
    CostExceedsLimit,
    Forecast,
    GrantResult,
    LimitName,
    Limits,
    PointsWindow,
    Slot,
    Slots,
    Urgency,
)
from dialer.bucket.scripts import MICROSECONDS, NO_CAMPAIGN, BucketScripts, microseconds, run_together
from dialer.deadline import steady_seconds
from dialer.redis_address import RedisAddress
from dialer.verdicts import Meter

A = TypeVar("A")
R = TypeVar("R")
ScriptCall = tuple[BucketScripts, CampaignLimits, Sequence[object]]
CALL_LEASE_SECONDS = 600.0
LONGEST_BLOCK_SECONDS = 60.0
SETTLED_TOGETHER = 200  # grants: Redis does nothing else meanwhile
LONGEST_WAIT_SECONDS = 2 * 86400.0  # of any answer: no window is longer than a day


def connect(redis_at: RedisAddress | str) -> redis.Redis:
    """A connection for buckets."""
    address = RedisAddress.parse(redis_at) if isinstance(redis_at, str) else redis_at
    return address.client(timeout=2.0, decode_responses=True)


class TokenBucket:
    """The bucket of one account. `metered` says that the provider's answers carry its own figures.

    Every method raises BucketUnavailable when Redis does not answer. `clock` (seconds) replaces Redis's own, in tests
    and rehearsals; `steady` is the clock that slots are told by.
    """

    def __init__(
        self,
        connection: redis.Redis,
        account: str,
        limits: Limits,
        *,
        metered: bool = False,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self.limits = limits
        self.metered = metered
        self._redis = connection
        self.steady = clock or steady_seconds
        self._sleep = sleep
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
        """Take the tokens for one request, or learn how long to wait and hold a place in the queue until then.

        Ask again with the same id, which identifies the place; a caller that will not ask again gives the place back
        with `leave_queue`. A token may be granted for the next slot of the pace, to be used `wait` seconds from now.

        points      what the request costs in the windows; None: what a call costs
        tokens      what it counts for in the pace
        call        False for a request that starts no call: it takes points, and the pace only if not `metered`. If
                    `metered` it is granted although no points are left: always when urgent, else once in `poll_seconds`
        lease       seconds after which the request counts as lost; None: `Limits.flight_lease`
        call_lease  seconds after which its call counts as ended

        Raises CostExceedsLimit when it costs more than a window holds.
        """
        cost = points or self.limits.call_points
        leases = (lease or self.limits.flight_lease, call_lease if call else 0)
        asked_at = self.steady()
        reply = self._scripts.run("acquire", own or NO_CAMPAIGN, *_acquiring([grant_id], cost, tokens, leases, urgency))
        return self._answer(reply, cost, asked_at)[1]

    def acquire_many(
        self,
        grant_ids: Sequence[str],
        *,
        own: CampaignLimits | None = None,
        urgency: Urgency = Urgency.NORMAL,
        lead: float = 0.0,
    ) -> tuple[int, AcquireResult]:
        """Take the tokens for as many of these calls as the limits allow, in one round trip.

        Returns the number of granted ids, counted from the first, and the answer for them: all may be used at the same
        moment, or better one after the other in `slots`. For paces at which a round trip for each call costs too much.
        `lead`: so many seconds are needed before the first can leave; it gets no slot that is over by then.
        """
        asked = CallsAsked(bucket=self, grant_ids=grant_ids, own=own, urgency=urgency, lead=lead)
        [granted] = acquire_each([asked])
        if isinstance(granted, Exception):
            raise granted
        return granted

    def as_asked(self, asked: CallsAsked) -> ScriptCall:
        """What `acquire.lua` is given for these calls."""
        leases = (self.limits.flight_lease, CALL_LEASE_SECONDS)
        arguments = _acquiring(asked.grant_ids, self.limits.call_points, 1, leases, asked.urgency, asked.lead)
        return self._scripts, asked.own or NO_CAMPAIGN, arguments

    def answer(self, asked: CallsAsked, reply: Any, asked_at: float) -> tuple[int, AcquireResult]:
        """What a reply of `acquire.lua` means for these calls; raises CostExceedsLimit."""
        return self._answer(reply, self.limits.call_points, asked_at)

    def _answer(self, reply: Any, cost: int, asked_at: float) -> tuple[int, AcquireResult]:
        granted, wait, limit, *spacing = reply
        if granted < 0:
            raise CostExceedsLimit(
                f"{cost} points are asked for, and {limit} are never more than {wait}", "ask for less"
            )
        slots = self._slots(asked_at, wait, *spacing) if granted else None
        return granted, AcquireResult(granted > 0, _seconds(wait), LimitName(limit), slots)

    def next_slots(self, grant_ids: Sequence[str], *, own: CampaignLimits | None = None) -> Slots:
        """New slots of the pace for granted requests that missed theirs; nothing else is charged again."""
        asked_at = self.steady()
        return self._slots(asked_at, *self._scripts.run("next_slots", own or NO_CAMPAIGN, *grant_ids))

    def _slots(self, asked_at: float, wait: int, spacing: int) -> Slots:
        """The slots by our clock: no request leaves before its slot nor after it, however long the answer took."""
        begins, ends = self.steady() + wait / MICROSECONDS, asked_at + wait / MICROSECONDS + self.limits.slot_seconds
        return Slots(Slot(begins, ends), spacing / MICROSECONDS)

    def take(
        self,
        grant_id: str,
        *,
        patience: float,
        own: CampaignLimits | None = None,
        sleep: Callable[[float], None] | None = None,
        **arguments: Any,
    ) -> AcquireResult:
        """Acquire, waiting in the queue for at most `patience` seconds; a granted token may be used at once.

        If it is not granted, the place in the queue is given back. `arguments` are those of `acquire`.
        """
        while True:
            answer = self.acquire(grant_id, own=own, **arguments)
            if not answer.granted and answer.wait > patience:
                self.leave_queue([grant_id], own=own)
                return answer
            (sleep or self._sleep)(answer.wait)
            patience -= answer.wait
            if answer.granted:
                return AcquireResult(True, 0.0, LimitName.NONE)

    def leave_queue(self, grant_ids: Iterable[str], *, own: CampaignLimits | None = None) -> int:
        """Give back these places in the queue; returns how many of them there were."""
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
        """Report the result of a granted request, in the terms of `GrantResult`. True the first time.

        `sent=False` gives the pace's token back too, unless a later request has been granted meanwhile. `block` stops
        all grants of the account for so many seconds. If the provider gives no figures, repeated blocks grow longer,
        and the pace is halved and recovers over the next minutes.
        """
        result = GrantResult(
            grant_id=grant_id, charged=charged, sent=sent, call_in_progress=call_in_progress, meter=meter, block=block
        )
        return self.settle_all([result], campaign=campaign) == 1

    def settle_all(self, results: Iterable[GrantResult], *, campaign: str = "") -> int:
        """Settle several grants of one campaign in one round trip; returns how many were settled for the first time."""
        [settled] = settle_each([Settlement(self, list(results), campaign)])
        if isinstance(settled, Exception):
            raise settled
        return settled

    def as_settled(self, settlement: Settlement) -> list[ScriptCall]:
        """What `settle.lua` is given for these results, some at a time."""
        own, each = CampaignLimits(campaign=settlement.campaign), list(map(_settle_arguments, settlement.results))
        some = [each[at : at + SETTLED_TOGETHER] for at in range(0, len(each), SETTLED_TOGETHER)]
        return [(self._scripts, own, list(chain.from_iterable(part))) for part in some]

    def end_calls(self, grant_ids: Iterable[str], *, campaign: str = "") -> int:
        """Free the places of calls that have ended; returns how many were still in use."""
        ids = list(grant_ids)
        return int(self._scripts.run("end_calls", CampaignLimits(campaign=campaign), *ids)) if ids else 0

    def forecast(
        self, horizon: float, *, own: CampaignLimits | None = None, urgency: Urgency = Urgency.NORMAL
    ) -> Forecast:
        """How many calls of this urgency could start in the next `horizon` seconds. Takes no tokens."""
        [answer] = forecast_each([ForecastAsked(bucket=self, horizon=horizon, own=own, urgency=urgency)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def as_forecast(self, asked: ForecastAsked) -> ScriptCall:
        """What `forecast.lua` is given for this."""
        arguments = (microseconds(asked.horizon), self.limits.call_points, int(asked.urgency))
        return self._scripts, asked.own or NO_CAMPAIGN, arguments

    @property
    def has_day(self) -> bool:
        """Whether the provider may limit the points of a day, by its own figures or by the account's settings."""
        return self.metered or self.limits.day_points is not None

    def share_day(self, weights: Mapping[str, float]) -> None:
        """Divide the day's points among these campaigns by weight from now on; other campaigns are not limited."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                for campaign, weight in weights.items():
                    pipe.hset(self._scripts.key(f"campaign:{campaign}"), "w", str(weight))
                pipe.hset(self._scripts.key("state"), "W", str(sum(weights.values())))
                pipe.execute()
        except RedisError as exc:
            raise self._scripts.unavailable(exc) from exc

    def peek(self) -> BucketState:
        """The state of the bucket at this moment; nothing is changed."""
        state = json.loads(self._scripts.run("peek", NO_CAMPAIGN))
        windows = [
            PointsWindow(**{**window, "name": LimitName(window["name"]), "resets_in": _seconds(window["resets_in"])})
            for window in state["windows"] or []  # an empty Lua table is an object in JSON
        ]
        return BucketState(
            windows=tuple(windows),
            pace=state["pace"],
            pace_name=LimitName(state["pace_name"]),
            pace_free_in=state["pace_free_in"] / MICROSECONDS,
            in_flight=int(state["in_flight"]),
            calls=state["calls"],
            most_calls=state["most_calls"] or None,
            blocked_for=_seconds(state["blocked_for"]),
            cold=state["cold"],
            waiting=dict(state["waiting"]),
            points_per_call=int(state["points_per_call"]) or None,
            clock_behind=state["clock_behind"] / MICROSECONDS,
        )

    def claim_lease(self, name: str, seconds: float) -> bool:
        """True for the first caller within `seconds`, among all workers: so that one of them does a periodic job."""
        try:
            return bool(self._redis.set(self._scripts.key(f"lease:{name}"), 1, nx=True, px=max(1, int(seconds * 1000))))
        except RedisError as exc:
            raise self._scripts.unavailable(exc) from exc

    def extend_lease(self, name: str, seconds: float) -> None:
        """Keep a claimed lease for so many seconds from now: it can be short while it is not known who lives."""
        try:
            self._redis.set(self._scripts.key(f"lease:{name}"), 1, px=max(1, int(seconds * 1000)))
        except RedisError as exc:
            raise self._scripts.unavailable(exc) from exc

    def release_lease(self, name: str) -> None:
        """Give a claimed lease back, so that the next caller gets it."""
        try:
            self._redis.delete(self._scripts.key(f"lease:{name}"))
        except RedisError as exc:
            raise self._scripts.unavailable(exc) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsAsked:
    """The calls for which tokens are asked of one bucket, in the terms of `TokenBucket.acquire_many`."""

    bucket: TokenBucket
    grant_ids: Sequence[str]
    own: CampaignLimits | None = None
    urgency: Urgency = Urgency.NORMAL
    lead: float = 0.0


def acquire_each(asked: Sequence[CallsAsked]) -> list[tuple[int, AcquireResult] | Exception]:
    """As `acquire_many` of each of these buckets of one connection, in one round trip for all.

    Of each its answer, or what `acquire_many` would raise.
    """
    asked_at: dict[int, float] = {}

    def prepared(calls: CallsAsked) -> list[ScriptCall]:
        asked_at[id(calls)] = calls.bucket.steady()
        return [calls.bucket.as_asked(calls)]

    def read(calls: CallsAsked, replies: Sequence[Any]) -> tuple[int, AcquireResult]:
        return calls.bucket.answer(calls, replies[0], asked_at[id(calls)])

    return _run_each("acquire", asked, prepared, read)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAsked:
    """A forecast that is asked of one bucket, in the terms of `TokenBucket.forecast`."""

    bucket: TokenBucket
    horizon: float
    own: CampaignLimits | None = None
    urgency: Urgency = Urgency.NORMAL


def forecast_each(asked: Sequence[ForecastAsked]) -> list[Forecast | Exception]:
    """As `forecast` of each of these buckets of one connection, in one round trip for all.

    Of each its answer, or what `forecast` would raise.
    """

    def read(_asked: ForecastAsked, replies: Sequence[Any]) -> Forecast:
        [(calls, limit, wait)] = replies
        return Forecast(int(calls), LimitName(limit), _seconds(wait))

    return _run_each("forecast", asked, lambda each: [each.bucket.as_forecast(each)], read)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of granted requests of one campaign, for the bucket of one account."""

    bucket: TokenBucket
    results: Sequence[GrantResult]
    campaign: str = ""


def settle_each(settlements: Sequence[Settlement]) -> list[int | Exception]:
    """As `settle_all` of each of these buckets of one connection, in one round trip for all.

    Of each its answer, or what `settle_all` would raise.
    """
    return _run_each("settle", settlements, lambda each: each.bucket.as_settled(each), lambda _, replies: sum(replies))


def _run_each(
    script: str,
    asked: Sequence[A],
    prepared: Callable[[A], Sequence[ScriptCall]],
    read: Callable[[A, Sequence[Any]], R],
) -> list[R | Exception]:
    """What `read` makes of the replies to the calls of a script that each of these is `prepared` to.

    All are sent in one round trip. What is raised for one, of one account, is its answer, and no other's.
    """
    answers: list[R | Exception] = [RuntimeError("not asked")] * len(asked)
    calls: list[ScriptCall] = []
    many: dict[int, int] = {}
    for place, each in enumerate(asked):
        try:
            own = prepared(each)
        except Exception as exc:
            answers[place] = exc
        else:
            calls += own
            many[place] = len(own)
    replies = iter(run_together(script, calls))
    for place, count in many.items():
        try:
            answers[place] = read(asked[place], [_unless_unavailable(next(replies)) for _ in range(count)])
        except Exception as exc:
            answers[place] = exc
    return answers


def _unless_unavailable(reply: Any) -> Any:
    if isinstance(reply, BucketUnavailable):
        raise reply
    return reply


def _seconds(wait: float) -> float:
    """A wait of the scripts, in seconds and bounded: what an older version believed may be in Redis still."""
    return min(max(wait / MICROSECONDS, 0.0), LONGEST_WAIT_SECONDS)


def _acquiring(
    ids: Sequence[str], cost: int, tokens: int, leases: tuple[float, float], urgency: Urgency, lead: float = 0.0
) -> list[object]:
    """The arguments of `acquire.lua`; `leases` are of the flight and of the call, 0 where none begins."""
    first, *further = ids
    return [first, cost, tokens, *map(microseconds, leases), int(urgency), microseconds(lead), *further]


def _settle_arguments(result: GrantResult) -> list[object]:
    """The arguments of `settle.lua`. A block is bounded, and more so without the provider's figures."""
    charged = {True: "charged", False: "free" if result.sent else "unsent", None: "unknown"}[result.charged]
    longest = LONGEST_WAIT_SECONDS if result.meter else LONGEST_BLOCK_SECONDS
    block = None if result.block is None else min(max(result.block, 0.0), longest)
    blocked = microseconds(block) if block else 0
    return [result.grant_id, charged, blocked, int(result.call_in_progress), *_figures(result.meter or Meter())]


def _figures(meter: Meter) -> list[object]:
    """The six figures of a meter, "" for one that the provider did not give."""
    figures = (
        meter.minute_limit,
        meter.minute_remaining,
        meter.minute_reset,
        meter.day_limit,
        meter.day_remaining,
        meter.day_reset,
    )
    return ["" if figure is None else figure for figure in figures]
