"""What the vendors of a sandbox share: its clock, its chance, its numbers, its log and its counts."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Generic, TypeVar

from dialer.sandbox.clock import Clock
from dialer.sandbox.course import message_seconds, plan
from dialer.sandbox.log import CallLog, PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour, behaviour_of, reserved
from dialer.sandbox.sending import Post, post_over_http
from dialer.sandbox.shared_config import SharedConfig

Config = TypeVar("Config", bound=SharedConfig, covariant=True)
FIXED = frozenset({"host", "port", "seed"})


class World(Generic[Config]):
    """The state of one sandbox, with the config keys that its reader knows."""

    def __init__(self, config: Config, clock: Clock | None = None, post: Post = post_over_http) -> None:
        """`post` sends what the vendors send of their own accord."""
        self.config = config
        self.clock = clock or Clock(config.speed)
        self.post = post
        self.log = CallLog(config.log_size)
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self._seed = random.getrandbits(32) if config.seed is None else config.seed
        self._numbers = itertools.count(int(self.clock.started.timestamp()) % 10**8 * 1000 + 1)
        self._nth = itertools.count(1)
        self.on_placed: list[Callable[[PlacedCall], None]] = []
        self._requests_by_number: Counter[tuple[str, str]] = Counter()

    def reconfigure(self, changes: Mapping[str, Any]) -> None:
        """Change the config while running. Raises ValueError for a key that is unknown, fixed or has a bad value."""
        if fixed := FIXED & changes.keys():
            raise ValueError(f"{', '.join(sorted(fixed))}: fixed once the sandbox runs")
        self.config = type(self.config).model_validate({**self.config.model_dump(), **changes})
        self.log.size = self.config.log_size
        if "speed" in changes:
            self.clock.run_at(self.config.speed)

    def next_behaviour(self, vendor: str, to: str) -> ReservedBehaviour:
        """What this request to call a number meets; each vendor counts a number's requests for itself."""
        odds = self.config.odds
        if reserved(to) is None and odds is None:
            return ReservedBehaviour.ANSWERS
        earlier = self._requests_by_number[vendor, to]
        self._requests_by_number[vendor, to] += 1
        if reserved(to) is None and odds is not None:
            return odds.draw(earlier, self.chance("odds", vendor, to, earlier))
        return behaviour_of(to, earlier)

    def place(
        self,
        behaviour: ReservedBehaviour,
        *,
        vendor: str,
        account: str,
        call_id: str,
        to: str,
        caller: str,
        correlation_id: str | None,
        text_length: int | None,
        ring_timeout: float,
        at: float | None = None,
        request: Any = None,
        method: str = "",
        script: str | None = None,
        talk: float = 0.0,
    ) -> PlacedCall:
        """Place a call, now or at a later moment, and log it. A `text_length` of None is a media file.

        `talk` is how long people talk after the message, in seconds; `script` says what is heard where it is neither
        a text nor a file.
        """
        now = self.clock.now()
        course = plan(
            behaviour,
            placed=now if at is None else max(now, at),
            message=message_seconds(text_length) + talk,
            ring_timeout=ring_timeout,
            rng=self.chance(next(self._nth)),
        )
        call = PlacedCall(
            behaviour=behaviour,
            vendor=vendor,
            account=account,
            call_id=call_id,
            correlation_id=correlation_id,
            to=to,
            caller=caller,
            script=script or ("media" if text_length is None else "tts"),
            text_length=text_length,
            course=course,
            request=request,
            method=method,
        )
        self.log.add(call, now)
        for follow in self.on_placed:
            follow(call)
        return call

    def next_number(self) -> int:
        """A number to name a call by; calls of one sandbox and of the next never share one."""
        return next(self._numbers)

    def chance(self, *subject: object) -> Random:
        """The sandbox's chance about one subject: the same for the same seed, whatever else happens."""
        return Random(":".join(map(str, (self._seed, *subject))))
