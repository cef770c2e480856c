"""What Redis, and the workers through it, answer: when the last tick was, what waits, which queues are taken."""

from __future__ import annotations

from collections.abc import Collection

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from campaigns.reporting.surroundings import Trouble, TroubleKind
from dialer.redis_address import RedisAddress
from workers.queues import CALLS, TickNote, queue_depths, read_ticks

TICK_IS_LATE = 10.0  # seconds without a worker that has taken a tick; one is sent every second or so
REDIS_SECONDS, WORKER_SECONDS = 2.0, 2.0  # how long an answer is waited for
REFUSALS: tuple[tuple[type[RedisError], str], ...] = (
    (ReadOnlyError, "Redis is read-only: it is a replica, or a failover is under way"),
    (OutOfMemoryError, "Redis is full: its memory is used up"),
    (BusyLoadingError, "Redis is still loading its data"),
    (AuthenticationError, "Redis wants another user or password"),
    (NoPermissionError, "Redis lets our user not write"),
)
DISK_FULL = "MISCONF"  # what Redis answers when it cannot write its own files


class BrokerAnswers:
    """Asks the Redis at this address, and the workers that it serves."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address

    def trouble(self) -> Trouble | None:
        """The first thing that keeps ticks from coming, or a tick from its work; None when all is well."""
        ticks = self._ticks()
        if isinstance(ticks, Trouble):
            return ticks
        if ticks.age is None or ticks.age > TICK_IS_LATE:
            return self._no_ticks(ticks)
        return Trouble(TroubleKind.LEDGER_AWAY, f"the workers report: {ticks.trouble}") if ticks.trouble else None

    def trouble_of_calls(self) -> Trouble | None:
        """What keeps the workers from taking calls, as far as they answer; None when a worker takes them."""
        queues = self._queues_taken()
        if not queues or any(CALLS in taken for taken in queues):
            return None
        return Trouble(TroubleKind.NO_CONSUMER, f"no worker takes calls: the queue {CALLS} has no consumer")

    def tick_age(self) -> float | None:
        """Seconds since the last release tick; None when there was none, or Redis cannot be asked."""
        ticks = self._ticks()
        return ticks.age if isinstance(ticks, TickNote) else None

    def queue_depths(self) -> dict[str, int]:
        """How many tasks wait, by queue; empty when Redis cannot be asked."""
        try:
            with self._address.client(timeout=REDIS_SECONDS) as server:
                return queue_depths(server)
        except RedisError:
            return {}

    def _ticks(self) -> TickNote | Trouble:
        try:
            with self._address.client(timeout=REDIS_SECONDS) as server:
                return read_ticks(server)
        except RedisError as exc:
            return refusal(exc)

    def _no_ticks(self, ticks: TickNote) -> Trouble:
        since = "none has come" if ticks.age is None else f"the last came {ticks.age:.0f} s ago"
        if not ticks.queued:
            return Trouble(TroubleKind.NO_BEAT, f"beat does not run: no tick is sent ({since})")
        if self._queues_taken(enough=1):
            return Trouble(
                TroubleKind.WORKERS_HANG, f"the workers answer and take nothing: all their threads wait ({since})"
            )
        return Trouble(TroubleKind.NO_WORKER, f"no worker runs: ticks wait, and nobody takes them ({since})")

    def _queues_taken(self, enough: int | None = None) -> Collection[Collection[str]]:
        """The names of the queues that each worker takes; `enough` answers are enough.

        Empty when none answers in time.
        """
        from celery import Celery  # when all is well, no worker need be asked
        from kombu.exceptions import OperationalError

        try:
            with Celery("inspection", set_as_current=False) as app:
                app.conf.update(self._address.celery())
                replies = app.control.inspect(timeout=WORKER_SECONDS, limit=enough).active_queues() or {}
        except (OSError, OperationalError, RedisError):
            return []
        return [{queue["name"] for queue in queues or ()} for queues in replies.values()]


def refusal(exc: RedisError) -> Trouble:
    """What an error of Redis means for those who dial."""
    for kind, words in REFUSALS:
        if isinstance(exc, kind):
            return Trouble(TroubleKind.REDIS_REFUSES, words)
    if isinstance(exc, ResponseError):
        full = DISK_FULL in str(exc)
        words = "Redis takes no writes: its disk is full, or cannot be written" if full else "Redis takes no writes"
        return Trouble(TroubleKind.REDIS_REFUSES, words)
    return Trouble(TroubleKind.REDIS_AWAY, "Redis does not answer")
