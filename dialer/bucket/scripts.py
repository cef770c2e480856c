"""Runs the Lua scripts of a token bucket: their keys, common arguments, and the error when Redis does not answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from dialer.bucket.limits import (
    MAX_SLOWDOWN,
    RECOVERY_FACTOR,
    RECOVERY_SECONDS,
    SLOWDOWN_FACTOR,
    BucketUnavailable,
    CampaignLimits,
    Limits,
)

MICROSECONDS = 1_000_000
SCRIPTS = ("acquire", "next_slots", "settle", "forecast", "end_calls", "leave_queue", "peek")
NO_CAMPAIGN = CampaignLimits()
SLOWDOWN_ARGUMENTS = (SLOWDOWN_FACTOR, MAX_SLOWDOWN, RECOVERY_FACTOR, int(RECOVERY_SECONDS * MICROSECONDS))


class BucketScripts:
    """The Lua scripts of one account. All its keys share one hash tag, so that Redis Cluster keeps them on one node.

    `clock` (seconds) replaces Redis's own clock in tests and rehearsals; `metered` says that the provider gives its own
    figures.
    """

    def __init__(
        self,
        connection: redis.Redis,
        account: str,
        limits: Limits,
        *,
        metered: bool,
        clock: Callable[[], float] | None,
    ) -> None:
        self._redis = connection
        self._account = account
        self._limits = limits
        self._metered = metered
        self._clock = clock

    def run(self, script: str, own: CampaignLimits, *args: object) -> Any:
        """Run a Lua script with the common arguments and these, and return its reply. Raises BucketUnavailable."""
        keys, common = self._keys_and_arguments(own)
        try:
            return self._scripts[script](keys=keys, args=[*common, *args])
        except RedisError as exc:
            raise self.unavailable(exc) from exc

    def add_to(self, pipe: Pipeline, script: str, own: CampaignLimits, args: Sequence[object]) -> None:
        """As `run`, when the pipeline is executed."""
        keys, common = self._keys_and_arguments(own)
        self._scripts[script](keys=keys, args=[*common, *args], client=pipe)

    def pipeline(self) -> Pipeline:
        """A pipeline for the scripts of all buckets that share this one's connection."""
        return self._redis.pipeline(transaction=False)

    def _keys_and_arguments(self, own: CampaignLimits) -> tuple[list[str], list[Any]]:
        """The keys and the first arguments of every Lua script, in the order of `common.lua`."""
        shared, queue = self._keys
        keys = [*shared, self.key(f"calls:{own.campaign}"), *queue, self.key(f"campaign:{own.campaign}")]
        now = microseconds(self._clock()) if self._clock else ""
        return keys, [now, *self._account_arguments, *self._campaign_arguments(own), *SLOWDOWN_ARGUMENTS]

    def unavailable(self, exc: RedisError) -> BucketUnavailable:
        """The error to raise for one of the Redis client's."""
        return BucketUnavailable(
            f"Redis does not answer ({type(exc).__name__}), so no call of account {self._account} may start",
            "start Redis, or correct redis.url; dialing goes on by itself",
        )

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        lua = files("dialer") / "bucket" / "lua"
        common = (lua / "common.lua").read_text()
        return {name: self._redis.register_script(common + (lua / f"{name}.lua").read_text()) for name in SCRIPTS}

    @cached_property
    def _keys(self) -> tuple[list[str], list[str]]:
        return (
            [self.key(part) for part in ("state", "flight", "grants", "calls")],
            [self.key(part) for part in ("line", "beats", "tickets")],
        )

    @cached_property
    def _account_arguments(self) -> list[object]:
        """The account's limits, in the order of `common.lua`."""
        limits = self._limits
        return [
            microseconds(1 / limits.pace),
            limits.burst,
            limits.minute_points or 0,
            limits.day_points or 0,
            microseconds(limits.minute_seconds),
            microseconds(limits.day_seconds),
            limits.concurrency or 0,
            int(self._metered),
            microseconds(limits.poll_seconds or 0),
            limits.reserved_share,
        ]

    def _campaign_arguments(self, own: CampaignLimits) -> list[object]:
        """The campaign's limits, in the order of `common.lua`; the caller ID is hashed, so Redis never holds it."""
        caller_id_pace = self._limits.caller_id_pace if own.caller_id else None
        return [
            own.campaign,
            microseconds(1 / own.pace) if own.pace and own.campaign else 0,
            (own.concurrency or 0) if own.campaign else 0,
            own.weight,
            hashlib.sha256(own.caller_id.encode()).hexdigest()[:12] if caller_id_pace else "",
            microseconds(1 / caller_id_pace) if caller_id_pace else 0,
        ]

    def key(self, part: str) -> str:
        """The full name of one of the account's Redis keys."""
        return f"{{bucket:{self._account}}}:{part}"


def run_together(
    script: str, calls: Sequence[tuple[BucketScripts, CampaignLimits, Sequence[object]]]
) -> list[Any | BucketUnavailable]:
    """As `BucketScripts.run` for buckets of one connection, all sent at once; of each its reply, or the error."""
    if len(calls) == 1:  # the client asks first whether Redis has the script when it sends several
        [(scripts, own, args)] = calls
        try:
            return [scripts.run(script, own, *args)]
        except BucketUnavailable as exc:
            return [exc]
    if not calls:
        return []
    try:
        with calls[0][0].pipeline() as pipe:
            for scripts, own, args in calls:
                scripts.add_to(pipe, script, own, args)
            replies = pipe.execute(raise_on_error=False)
    except RedisError as exc:
        return [scripts.unavailable(exc) for scripts, _, _ in calls]
    return [
        scripts.unavailable(reply) if isinstance(reply, RedisError) else reply
        for reply, (scripts, _, _) in zip(replies, calls, strict=True)
    ]


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds, the unit of the Lua scripts."""
    return int(seconds * MICROSECONDS)
