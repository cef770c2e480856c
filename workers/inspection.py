"""Looks at what must run for calls to be placed: the stack, Redis, beat, the workers and their queues."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from campaigns.reporting.surroundings import Surroundings, Trouble, TroubleKind
from dialer.redis_address import RedisAddress
from workers.settings import Settings
from workers.stack import lock
from workers.stack.info import running_stack

if TYPE_CHECKING:
    from workers.broker_answers import BrokerAnswers

Answer = TypeVar("Answer")

KEPT_SECONDS = 2.0  # for so long an answer is given again: a page with a hundred campaigns asks once


def surroundings(settings: Settings) -> Surroundings:
    """What is beside the ledger, asked when it is needed and then kept for a moment; safe to use from many threads."""
    inspection = Inspection(settings)
    return Surroundings(
        paces=settings.paces,
        look=_kept(inspection.trouble),
        consumers=_kept(inspection.trouble_of_calls),
    )


class Inspection:
    """Asks Redis and the workers. Where no Redis is configured, those of the stack that runs on the data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def trouble(self) -> Trouble | None:
        """The first thing that keeps ticks from coming, or a tick from its work; None when all is well."""
        asked = self._asked()
        return asked if isinstance(asked, Trouble) else asked.trouble()

    def trouble_of_calls(self) -> Trouble | None:
        """What keeps the workers from taking calls, as far as they answer; None when a worker takes them."""
        asked = self._asked()
        return asked if isinstance(asked, Trouble) else asked.trouble_of_calls()

    def tick_age(self) -> float | None:
        """Seconds since the last release tick; None when there was none, or Redis cannot be asked."""
        asked = self._asked()
        return None if isinstance(asked, Trouble) else asked.tick_age()

    def queue_depths(self) -> dict[str, int]:
        """How many tasks wait, by queue; empty when Redis cannot be asked."""
        asked = self._asked()
        return {} if isinstance(asked, Trouble) else asked.queue_depths()

    def _asked(self) -> BrokerAnswers | Trouble:
        """The broker to ask, or that nothing runs here that has one."""
        address = self._settings.redis.address
        if address is None and (info := running_stack(self._settings.data_dir)):
            from workers.stack.environment import environment  # as in commands: only a running stack has one

            address = RedisAddress.parse(environment(self._settings, info)["DIALER_REDIS__URL"])
        if address is not None:
            from workers.broker_answers import BrokerAnswers  # with it comes a client, which is slow to import

            return BrokerAnswers(address)
        if lock.is_locked(self._settings.data_dir):
            return Trouble(TroubleKind.NO_STACK, "the stack here is starting or stopping")
        return Trouble(TroubleKind.NO_STACK, "nothing runs here that could dial")


def _kept(ask: Callable[[], Answer]) -> Callable[[], Answer]:
    """The same question, asked at most once in KEPT_SECONDS."""
    lock = threading.Lock()
    answers: list[tuple[float, Answer]] = []

    def answer() -> Answer:
        with lock:
            if not answers or time.monotonic() - answers[0][0] >= KEPT_SECONDS:
                fresh = ask()
                answers[:] = [(time.monotonic(), fresh)]
            return answers[0][1]

    return answer
