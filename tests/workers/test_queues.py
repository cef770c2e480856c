"""The notes that release ticks leave in Redis: one worker is at a time, and what is left by one that died ends."""

from __future__ import annotations

import redis

from tests.support.dialers import wait_for
from workers.queues import RELEASING, begin_tick, end_tick, read_ticks


def test_one_worker_at_a_time_releases_calls(buckets):
    assert begin_tick(buckets)
    assert not begin_tick(buckets), "another worker is at it"
    end_tick(buckets, "the ledger is away")
    assert read_ticks(buckets).trouble == "the ledger is away"
    assert begin_tick(buckets)


def test_a_worker_that_died_at_its_tick_keeps_the_others_for_seconds_only(buckets):
    assert begin_tick(buckets)
    assert 0 < buckets.pttl(RELEASING) <= 3_000
    buckets.pexpire(RELEASING, 20)
    wait_for(lambda: begin_tick(buckets))


def test_without_redis_the_tick_goes_on_and_tells_of_it():
    away = redis.Redis(port=1)
    assert begin_tick(away)
    end_tick(away)
