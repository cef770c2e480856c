"""The scripts of a token bucket: their keys, what each is told of the limits, and what it means when Redis is away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from importlib.resources import files
from typing import Any

import redis
from redis.exceptions import RedisError

from dialer.limits import BucketAway, CampaignLimits, Limits

MICROSECONDS = 1_000_000
SCRIPTS = ("acquire", "settle", "forecast", "hang_up", "leave", "peek")
NOBODY = CampaignLimits()


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
        """What the script answers. Raises BucketAway."""
        shared, line = self._keys
        keys = [*shared, self.key(f"calls:{own.campaign}"), *line, self.key(f"campaign:{own.campaign}")]
        now = us(self._clock()) if self._clock else ""
        try:
            return self._scripts[script](keys=keys, args=[now, *self._of_account, *self._of_campaign(own), *args])
        except RedisError as exc:
            raise self.away(exc) from exc

    def away(self, exc: RedisError) -> BucketAway:
        """What to tell whoever asked."""
        return BucketAway(
            f"Redis does not answer ({type(exc).__name__}), so no call of account {self._account} may start",
            "start Redis, or correct redis.url; dialing goes on by itself",
        )

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        lua = files("dialer") / "lua"
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
            us(1 / limits.pace),
            limits.burst,
            limits.minute_points or 0,
            limits.day_points or 0,
            us(limits.minute_seconds),
            us(limits.day_seconds),
            limits.concurrency or 0,
            int(self._metered),
            us(limits.look_seconds or 0),
            limits.kept_share,
        ]

    def _of_campaign(self, own: CampaignLimits) -> list[object]:
        paced = self._limits.caller_id_pace if own.caller_id else None
        return [
            own.campaign,
            us(1 / own.pace) if own.pace and own.campaign else 0,
            (own.concurrency or 0) if own.campaign else 0,
            own.weight,
            hashlib.sha256(own.caller_id.encode()).hexdigest()[:12] if paced else "",
            us(1 / paced) if paced else 0,
        ]

    def key(self, part: str) -> str:
        """The account's key for this."""
        return f"{{bucket:{self._account}}}:{part}"


def us(seconds: float) -> int:
    """Seconds as the scripts have them."""
    return int(seconds * MICROSECONDS)
