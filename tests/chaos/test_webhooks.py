"""Events are told in order and none is lost, whatever befalls the receiver, the workers, their tasks and the ledger.

Here with threads and a clock that runs fast; `python -m tests.chaos.webhooks` does it to real workers.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from campaigns.ledger.store import LedgerUnavailable
from campaigns.operations.webhooks.delivering import claim, deliver
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from dialer.internal_networks import networks
from dialer.transport.signed_posts import SignedPosts
from tests.chaos import webhooks as chaos
from tests.support.dialers import failing_once

CONTACTS, SPEED, TIMEOUT, PARTS = 60, 40, 0.4, 3


class Killed(Exception):
    """What a worker that is killed never lives to see."""


class MortalPosts:
    """Sends as ours do, and now and then its worker dies right after."""

    def __init__(self, posts: SignedPosts, rng: Random) -> None:
        self._posts, self._rng = posts, rng

    def begin(self, *message: Any, **facts: Any) -> Future[Any]:
        sending = self._posts.begin(*message, **facts)
        if self._rng.random() < 0.02:
            raise Killed
        return sending


@contextmanager
def telling(using: Runtime, rng: Random):
    """Workers that claim and deliver, and lose a task of six, for as long as the block runs."""
    stopping = threading.Event()

    def work() -> None:
        while not stopping.wait(0.02):
            with suppress(LedgerUnavailable, Killed):
                for ticket in claim(using=using):
                    if rng.random() > 1 / 6:  # else Redis was emptied
                        deliver(ticket, using=using)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stopping.set()
        for worker in workers:
            worker.join()


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_is_out_of_order_whatever_befalls_them(ledger, monkeypatch):
    monkeypatch.setattr(chaos, "TIMEOUT", TIMEOUT)
    rng, receiver, began = Random(5), chaos.UnreliableReceiver(), time.monotonic()

    def fast() -> datetime:
        return utc_now() + timedelta(seconds=(time.monotonic() - began) * (SPEED - 1))

    with start_blocking_portal() as loop:
        posts = SignedPosts(loop, key="key", allowed=networks(["127.0.0.1"]))
        parts = {"accounts": {}, "clock": fast, "rng": rng, "notify_url": lambda _: None, "post_timeout": TIMEOUT}
        using = Runtime(ledger=ledger, posts=MortalPosts(posts, rng), **parts)
        calls = chaos.under_way(ledger, CONTACTS)
        up = receiver.up()
        port = up.__enter__()
        chaos.subscribe(ledger, receiver.receiver.url)
        makers = [
            threading.Thread(target=chaos.happen, args=(ledger, calls[part::PARTS], 0.02)) for part in range(PARTS)
        ]
        with telling(using, rng):
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
            chaos.wait_until_told(ledger, receiver, 240)
        up.__exit__(None, None, None)
        loop.call(posts.aclose)
    came = chaos.judge(ledger, receiver)
    assert came.written == CONTACTS * chaos.EVENTS_OF_A_CONTACT
    assert (came.lost, came.out_of_order, came.strangers) == ([], [], [])
    assert came.twice > 0, "else nothing has befallen them"
