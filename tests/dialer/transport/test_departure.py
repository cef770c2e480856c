"""Requests leave in the slots of their account, whichever is ready; those that come too late get new ones together."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
import redis

from dialer.bucket import BucketUnavailable, Limits, Slot, TokenBucket
from dialer.deadline import Deadline, steady_seconds, utc_now
from dialer.transport.departure import Departure, Departures
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def departure(begins_in: float, lasts: float = 0.05, within: float = PATIENCE) -> Departure:
    begins = steady_seconds() + begins_in
    return Departure(Deadline(utc_now() + timedelta(seconds=within)), Slot(begins, begins + lasts))


class CountingBucket(TokenBucket):
    """A bucket that remembers how often it was asked for new slots, and for how many."""

    def next_slots(self, grant_ids, **named):
        self.asked = [*getattr(self, "asked", []), len(grant_ids)]
        return super().next_slots(grant_ids, **named)


@pytest.fixture
def bucket(buckets) -> CountingBucket:
    return CountingBucket(buckets, "main", Limits(pace=200))


async def leave(departures: Departures, name: str, request: Departure, left: list[str]) -> None:
    await departures.wait_for_slot(name, request)
    left.append(name)


async def test_a_request_that_is_ready_takes_the_slot_of_one_that_is_not(bucket):
    departures, left = Departures(bucket), list[str]()
    early, late = departure(0.0), departure(0.5)
    await leave(departures, "early", early, left)
    early.slot = Slot(0.0, 0.0)  # it was not ready when its turn came, and missed the slot
    await asyncio.gather(leave(departures, "late", late, left), leave(departures, "early", early, left))
    assert left == ["early", "early", "late"], "the one that has waited longest goes first"


async def test_requests_that_missed_their_slots_get_new_ones_in_one_question(bucket):
    departures, left = Departures(bucket), list[str]()
    missed = [departure(-1.0) for _ in range(30)]
    began = time.monotonic()
    await asyncio.gather(*(leave(departures, str(place), one, left) for place, one in enumerate(missed)))
    assert sum(bucket.asked) >= 30  # a busy machine misses some again
    assert len(bucket.asked) < 10, "not one by one"
    assert time.monotonic() - began >= 29 / 200, "no faster than the pace"


async def test_after_its_deadline_a_request_waits_no_longer(bucket):
    departures, request = Departures(bucket), departure(3.0, within=0.1)
    await departures.wait_for_slot("late", request)
    assert request.deadline.passed()


async def test_without_redis_only_those_leave_that_have_their_slots(bucket):
    gone = TokenBucket(redis.Redis(port=1), "main", bucket.limits)
    departures, left = Departures(gone), list[str]()
    results = await asyncio.gather(
        leave(departures, "missed", departure(-1.0), left),
        leave(departures, "in time", departure(0.2, lasts=PATIENCE), left),
        return_exceptions=True,
    )
    assert len(left) == 1
    assert [type(result) for result in results if result] == [BucketUnavailable]


async def test_a_request_that_is_given_up_leaves_its_slot_to_the_others(bucket):
    departures, left = Departures(bucket), list[str]()
    given_up = asyncio.create_task(leave(departures, "given up", departure(0.1), left))
    await asyncio.sleep(0)
    given_up.cancel()
    await leave(departures, "other", departure(-1.0), left)
    assert left == ["other"]
