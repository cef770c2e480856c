"""One worker of an account and a beat, in this process or in one of its own.

    python -m tests.support.paced_worker LEDGER REDIS VENDOR PACE COUNT

It says `up` once it has begun, and ends when all contacts have been called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import func, select

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.runtime import Runtime
from dialer.deadline import utc_now
from tests.support.dialers import wait_for, webex, working
from tests.support.seeding import numbers, seed


@contextmanager
def calling(using: Runtime, count: int) -> Iterator[Callable[[], bool]]:
    """Ticks and slices as beat and one worker run them; what it yields says whether all contacts have been called."""
    seed(using.ledger, numbers(count), now=utc_now())
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.3):
            for slice_ in release(using=using):
                workers.submit(dial, slice_, using=using)

    def all_called() -> bool:
        with using.ledger.reading() as db:
            return db.scalar(select(func.count()).where(contacts.c.status == "placed")) == count

    with ThreadPoolExecutor(16) as workers:
        beat = threading.Thread(target=tick)
        beat.start()
        try:
            yield all_called
        finally:
            over.set()
            beat.join()


def main(url: str, redis_url: str, vendor: str, pace: str, count: str) -> None:
    accounts = {"main": webex(vendor, pace=float(pace))}
    with (
        working(Ledger(url), redis_url, accounts, send_within=1.0) as using,
        calling(using, int(count)) as all_called,
    ):
        print("up", flush=True)  # noqa: T201
        wait_for(all_called)


if __name__ == "__main__":
    main(*sys.argv[1:])
