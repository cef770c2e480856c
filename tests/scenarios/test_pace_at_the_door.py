"""After a stall of the ledger, the event loop or the whole process, calls that waited leave no faster than the pace.

The kernel stamps each request as it reaches the vendor, and the most in any second are counted.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.ledger.tables import attempts, contacts
from campaigns.runtime import Runtime
from dialer.bucket import TokenBucket
from dialer.deadline import utc_now
from tests.support import paced_worker, preloaded
from tests.support.dialers import SEND_WITHIN, wait_for, webex, working
from tests.support.ledger_copies import migrated
from tests.support.paced_worker import calling
from tests.support.patience import PATIENCE
from tests.support.seeding import numbers, seed
from tests.support.timed_vendor import TimedVendor, most_within, timed_vendor

STALL = 0.7


@pytest.fixture(scope="module")
def started_vendor() -> Iterator[TimedVendor]:
    with timed_vendor() as vendor:
        yield vendor


@pytest.fixture
def vendor(started_vendor) -> TimedVendor:
    started_vendor.arrivals()
    return started_vendor


def most_allowed(pace: float) -> float:
    return pace + 1 if pace <= 100 else 1.05 * pace + 1


def heard_more(vendor: TimedVendor, came: list[float]) -> bool:
    more = vendor.arrivals()
    came += more
    return len(more) > 0


def stall_the_ledger(using: Runtime, begun: threading.Event | None = None) -> None:
    with using.ledger.writing() as db:
        if not using.ledger.has_one_writer:
            db.execute(text("LOCK TABLE contacts IN EXCLUSIVE MODE"))
        if begun:
            begun.set()
        time.sleep(STALL)


def stall_the_loop(using: Runtime) -> None:
    async def stall() -> None:
        time.sleep(STALL)

    using.accounts["main"].loop.call(stall)


@pytest.mark.parametrize("stall", [stall_the_ledger, stall_the_loop])
@pytest.mark.parametrize(("pace", "count"), [(18, 50), (200, 400)])
def test_what_a_stall_held_up_leaves_no_faster_than_the_pace(ledger, redis_url, vendor, pace, count, stall):
    came: list[float] = []
    with (
        working(ledger, redis_url, {"main": webex(vendor.url, pace=pace)}, send_within=SEND_WITHIN) as using,
        calling(using, count) as all_called,
    ):
        for _ in range(2):
            wait_for(lambda: heard_more(vendor, came))
            stall(using)
            time.sleep(STALL / 2)
        wait_for(all_called)
    came += vendor.arrivals()
    assert len(came) == count
    assert most_within(came) <= most_allowed(pace)
    with ledger.reading() as db:
        verdicts = set(db.scalars(select(attempts.c.verdict)))
    assert verdicts <= {"placed", "not_sent"}, "a stall of ours is not told as the provider's failure"


def test_what_a_stopped_process_held_up_leaves_no_faster_than_the_pace(redis_url, buckets, vendor, tmp_path):
    """Two processes on one account, each with a campaign of its own; one is stopped for two seconds."""
    pace, count, came = 18, 40, list[float]()
    urls = [migrated(tmp_path / f"{name}.sqlite3") for name in ("one", "two")]
    arguments = (redis_url, vendor.url, str(pace), str(count))
    with contextlib.ExitStack() as running:
        begun = [running.enter_context(preloaded.begun(paced_worker.__name__, url, *arguments)) for url in urls]
        assert [said.readline() for _, said in begun] == ["up\n"] * 2
        workers = [worker for worker, _ in begun]
        wait_for(lambda: heard_more(vendor, came))
        workers[0].send_signal(signal.SIGSTOP)
        time.sleep(2)
        workers[0].send_signal(signal.SIGCONT)
        assert [worker.wait(PATIENCE) for worker in workers] == [0, 0]
    came += vendor.arrivals()
    assert len(came) == 2 * count
    assert most_within(came) <= most_allowed(pace)


def test_a_slot_is_missed_for_want_of_redis_and_the_contact_waits(ledger, redis_url, vendor, monkeypatch):
    """Without Redis there is no new slot: nothing is sent, and nothing is spent."""
    with working(ledger, redis_url, {"main": webex(vendor.url, pace=10)}) as using:
        bucket = using.accounts["main"].bucket
        gone = TokenBucket(bucket._redis.__class__(port=1), "main", bucket.limits)
        monkeypatch.setattr(using.accounts["main"].departures, "_bucket", gone)
        seed(ledger, numbers(1), now=utc_now())
        (slice_,) = release(using=using)
        begun = threading.Event()
        stalled = threading.Thread(target=stall_the_ledger, args=(using, begun))
        stalled.start()
        begun.wait()
        assert dial(slice_, using=using) == 1
        stalled.join()
    assert vendor.arrivals() == []
    with ledger.reading() as db:
        assert db.execute(select(attempts.c.verdict, attempts.c.counted)).all() == [("not_sent", False)]
        assert db.scalars(select(contacts.c.status)).all() == ["pending"]
