"""The scripts of a token bucket: their keys, what each is told of the limits, and what it means when Redis is away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import RedisError

from dialer.bucket.limits import BucketUnavailable, CampaignLimits, Limits

MICROSECONDS = 1_000_000
SCRIPTS = ("acquire", "settle", "forecast", "end_calls", "leave_queue", "peek")
NO_CAMPAIGN = CampaignLimits()


class BucketScripts:
    """The scripts of one account. All its keys share one hash tag; times are microseconds."""

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
        """What the script answers. Raises BucketUnavailable."""
        keys, common = self._told(own)
        try:
            return self._scripts[script](keys=keys, args=[*common, *args])
        except RedisError as exc:
            raise self.away(exc) from exc

    def run_each(self, script: str, own: CampaignLimits, asked: Sequence[Sequence[Any]]) -> list[Any]:
        """The replies of a script to several argument lists, in one round trip. Raises BucketUnavailable."""
        keys, common = self._told(own)
        sha = self._scripts[script].sha
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                for args in asked:
                    pipe.evalsha(sha, len(keys), *keys, *common, *args)
                answers = pipe.execute(raise_on_error=False)
        except RedisError as exc:
            raise self.away(exc) from exc
        return [
            self.run(script, own, *args) if isinstance(answer, RedisError) else answer  # it did not know the script
            for args, answer in zip(asked, answers, strict=True)
        ]

    def _told(self, own: CampaignLimits) -> tuple[list[str], list[Any]]:
        """Keys and first arguments, as `common.lua` has them."""
        shared, line = self._keys
        keys = [*shared, self.key(f"calls:{own.campaign}"), *line, self.key(f"campaign:{own.campaign}")]
        now = microseconds(self._clock()) if self._clock else ""
        return keys, [now, *self._of_account, *self._of_campaign(own)]

    def away(self, exc: RedisError) -> BucketUnavailable:
        """What to tell whoever asked."""
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
    def _of_account(self) -> list[object]:
        """What the scripts are told of the account's limits, in the order of `common.lua`."""
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

    def _of_campaign(self, own: CampaignLimits) -> list[object]:
        paced = self._limits.caller_id_pace if own.caller_id else None
        return [
            own.campaign,
            microseconds(1 / own.pace) if own.pace and own.campaign else 0,
            (own.concurrency or 0) if own.campaign else 0,
            own.weight,
            hashlib.sha256(own.caller_id.encode()).hexdigest()[:12] if paced else "",
            microseconds(1 / paced) if paced else 0,
        ]

    def key(self, part: str) -> str:
        """The account's key for this."""
        return f"{{bucket:{self._account}}}:{part}"


def microseconds(seconds: float) -> int:
    """Seconds as the scripts have them."""
    return int(seconds * MICROSECONDS)
