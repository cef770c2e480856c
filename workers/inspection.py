"""Looks at what must run for calls to be placed: the stack, Redis, beat, the workers and their queues."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from campaigns.reporting.surroundings import Surroundings, Trouble, TroubleKind
from dialer.redis_address import RedisAddress
from workers.queues import CALLS, TickNote, queue_depths, read_ticks
from workers.settings import Settings
from workers.stack import lock
from workers.stack.environment import environment
from workers.stack.info import running_stack

Answer = TypeVar("Answer")

TICK_IS_LATE = 10.0  # seconds without a worker that has taken a tick; one is sent every second or so
REDIS_SECONDS, WORKER_SECONDS = 2.0, 2.0  # how long an answer is waited for
KEPT_SECONDS = 2.0  # for so long an answer is given again: a page with a hundred campaigns asks once
REFUSALS: tuple[tuple[type[RedisError], str], ...] = (
    (ReadOnlyError, "Redis is read-only: it is a replica, or a failover is under way"),
    (OutOfMemoryError, "Redis is full: its memory is used up"),
    (BusyLoadingError, "Redis is still loading its data"),
    (AuthenticationError, "Redis wants another user or password"),
    (NoPermissionError, "Redis lets our user not write"),
)
DISK_FULL = "MISCONF"  # what Redis answers when it cannot write its own files


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
        address = self._address()
        if isinstance(address, Trouble):
            return address
        ticks = _ticks_at(address)
        if isinstance(ticks, Trouble):
            return ticks
        if ticks.age is None or ticks.age > TICK_IS_LATE:
            return _no_ticks(ticks, address)
        return Trouble(TroubleKind.LEDGER_AWAY, f"the workers report: {ticks.trouble}") if ticks.trouble else None

    def trouble_of_calls(self) -> Trouble | None:
        """What keeps the workers from taking calls, as far as they answer; None when a worker takes them."""
        address = self._address()
        if isinstance(address, Trouble):
            return address
        queues = _queues_taken(address)
        if not queues or any(CALLS in taken for taken in queues):
            return None
        return Trouble(TroubleKind.NO_CONSUMER, f"no worker takes calls: the queue {CALLS} has no consumer")

    def tick_age(self) -> float | None:
        """Seconds since the last release tick; None when there was none, or Redis cannot be asked."""
        address = self._address()
        ticks = None if isinstance(address, Trouble) else _ticks_at(address)
        return ticks.age if isinstance(ticks, TickNote) else None

    def queue_depths(self) -> dict[str, int]:
        """How many tasks wait, by queue; empty when Redis cannot be asked."""
        address = self._address()
        if isinstance(address, Trouble):
            return {}
        try:
            with address.client(timeout=REDIS_SECONDS) as server:
                return queue_depths(server)
        except RedisError:
            return {}

    def _address(self) -> RedisAddress | Trouble:
        if configured := self._settings.redis.address:
            return configured
        if info := running_stack(self._settings.data_dir):
            return RedisAddress.parse(environment(self._settings, info)["DIALER_REDIS__URL"])
        if lock.is_locked(self._settings.data_dir):
            return Trouble(TroubleKind.NO_STACK, "the stack here is starting or stopping")
        return Trouble(TroubleKind.NO_STACK, "nothing runs here that could dial")


def _ticks_at(address: RedisAddress) -> TickNote | Trouble:
    try:
        with address.client(timeout=REDIS_SECONDS) as server:
            return read_ticks(server)
    except RedisError as exc:
        return refusal(exc)


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


def _no_ticks(ticks: TickNote, address: RedisAddress) -> Trouble:
    since = "none has come" if ticks.age is None else f"the last came {ticks.age:.0f} s ago"
    if not ticks.queued:
        return Trouble(TroubleKind.NO_BEAT, f"beat does not run: no tick is sent ({since})")
    if _queues_taken(address, enough=1):
        return Trouble(
            TroubleKind.WORKERS_HANG, f"the workers answer and take nothing: all their threads wait ({since})"
        )
    return Trouble(TroubleKind.NO_WORKER, f"no worker runs: ticks wait, and nobody takes them ({since})")


def _queues_taken(address: RedisAddress, enough: int | None = None) -> Collection[Collection[str]]:
    """The names of the queues that each worker takes; `enough` answers are enough. Empty when none answers in time."""
    from celery import Celery
    from kombu.exceptions import OperationalError

    try:
        with Celery("inspection", set_as_current=False) as app:
            app.conf.update(address.celery())
            replies = app.control.inspect(timeout=WORKER_SECONDS, limit=enough).active_queues() or {}
    except (OSError, OperationalError, RedisError):
        return []
    return [{queue["name"] for queue in queues or ()} for queues in replies.values()]


def _kept(ask: Callable[[], Answer]) -> Callable[[], Answer]:
    """The same question, asked at most once in KEPT_SECONDS."""
    turn = threading.Lock()
    answers: list[tuple[float, Answer]] = []

    def answer() -> Answer:
        with turn:
            if not answers or time.monotonic() - answers[0][0] >= KEPT_SECONDS:
                fresh = ask()
                answers[:] = [(time.monotonic(), fresh)]
            return answers[0][1]

    return answer
