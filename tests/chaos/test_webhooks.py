"""Events are told in order and none is lost, whatever befalls the receiver, the workers, their tasks and the ledger.

Here with threads and a clock that skips the time in which nobody delivers; `python -m tests.chaos.webhooks` does it
to real workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from campaigns.ledger.store import LedgerUnavailable
from campaigns.operations.webhooks.delivering import claim, deliver
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.transport.signed_posts import SignedPosts
from tests.chaos import webhooks as chaos
from tests.support.dialers import failing_once
from tests.support.webhook_receiver import sending

CONTACTS, TIMEOUT, PARTS = 60, 0.4, 3
SKIPPED = timedelta(seconds=1)  # each time that a worker finds nothing to deliver
STALL = timedelta(seconds=30)  # longer than a lease


class Killed(Exception):
    """What a worker that is killed never lives to see."""


@dataclass
class SkippingClock:
    """Our time, and the time that was skipped. While anybody delivers it is not skipped, however slow the machine."""

    skipped: timedelta = timedelta()
    delivering: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> datetime:
        return utc_now() + self.skipped

    def skip(self) -> None:
        with self._lock:
            self.skipped += timedelta() if self.delivering else SKIPPED

    def stall(self) -> None:
        with self._lock:
            self.skipped += STALL

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            self.delivering += 1
        try:
            yield
        finally:
            with self._lock:
                self.delivering -= 1


class MortalPosts:
    """Sends as ours do; now and then its worker dies right after, or stands still for longer than its lease."""

    def __init__(self, posts: SignedPosts, rng: Random, clock: SkippingClock) -> None:
        self._posts, self._rng, self._clock = posts, rng, clock

    def begin(self, *message: Any, **facts: Any) -> Future[Any]:
        request = self._posts.begin(*message, **facts)
        chance = self._rng.random()
        if chance < 0.02:
            raise Killed
        if chance < 0.04:
            self._clock.stall()
        return request


@contextmanager
def telling(using: Runtime, rng: Random, clock: SkippingClock) -> Iterator[None]:
    """Workers that claim and deliver, and lose a task of six, for as long as the block runs."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(0.02):
            with suppress(LedgerUnavailable, Killed):
                tickets = claim(using=using)
                for ticket in tickets:
                    if rng.random() > 1 / 6:  # else Redis was emptied
                        with clock.held():
                            deliver(ticket, using=using)
                if not tickets:
                    clock.skip()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stopping.set()
        for worker in workers:
            worker.join()


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_is_out_of_order_whatever_befalls_them(ledger, monkeypatch):
    monkeypatch.setattr(chaos, "TIMEOUT", TIMEOUT)
    rng, receiver, clock = Random(5), chaos.UnreliableReceiver(), SkippingClock()
    with sending() as posts:
        parts = {"accounts": {}, "clock": clock, "rng": rng, "notify_url": lambda _: None, "post_timeout": TIMEOUT}
        using = Runtime(ledger=ledger, posts=MortalPosts(posts, rng, clock), **parts)
        calls = chaos.under_way(ledger, CONTACTS)
        up = receiver.up()
        port = up.__enter__()
        chaos.subscribe(ledger, receiver.receiver.url)
        makers = [
            threading.Thread(target=chaos.happen, args=(ledger, calls[part::PARTS], 0.02)) for part in range(PARTS)
        ]
        with telling(using, rng, clock):
            for maker in makers:
                maker.start()
            for manner in ("slow", "ill", "cutting", "lying", "well"):
                receiver.manner = manner
                time.sleep(0.3)
            up.__exit__(None, None, None)
            time.sleep(0.3)
            up = receiver.up(port)
            up.__enter__()
            for statement in (("UPDATE webhooks",), ("UPDATE deliveries",)):
                with failing_once(ledger, *statement) as failed:
                    until = time.monotonic() + 2
                    while not failed and time.monotonic() < until:
                        time.sleep(0.02)
            for maker in makers:
                maker.join()
            chaos.wait_until_told(ledger, receiver, 500)
        up.__exit__(None, None, None)
    came = chaos.judge(ledger, receiver)
    assert came.written == CONTACTS * chaos.EVENTS_OF_A_CONTACT
    assert (came.lost, came.out_of_order, came.strangers) == ([], [], [])
    assert came.twice > 0, "else nothing has befallen them"
