"""Whatever figures reach a bucket, also those that an older version has left in Redis, its waits stay within a day."""

from __future__ import annotations

import pytest

from dialer.bucket import GrantResult, Limits, TokenBucket
from dialer.verdicts import Meter

TWO_DAYS = 2 * 86400.0
LIMITS = Limits(pace=5, minute_points=100)


@pytest.fixture
def bucket(buckets) -> TokenBucket:
    return TokenBucket(buckets, "main", LIMITS, metered=True)


def waits(bucket: TokenBucket) -> list[float]:
    state = bucket.peek()
    return [
        bucket.forecast(2.0).wait,
        bucket.acquire("next").wait,
        state.blocked_for,
        *(window.resets_in for window in state.windows),
    ]


@pytest.mark.parametrize("field", ["m:e", "d:e", "blk"])
def test_what_an_older_version_believed_is_forgotten(bucket, buckets, field):
    figures = Meter(minute_limit=100, minute_remaining=0, minute_reset=5, day_limit=100, day_remaining=0, day_reset=5)
    bucket.settle("first", charged=True, meter=figures, block=1.0)
    buckets.hset("{bucket:main}:state", field, 10**18)
    assert max(waits(bucket)) <= 86400 + 10


@pytest.mark.parametrize("block", [1e9, 1e300, float("inf"), -5.0])
@pytest.mark.parametrize("meter", [None, Meter(minute_remaining=0, minute_reset=10)])
def test_no_block_lasts_longer_than_two_days(bucket, block, meter):
    bucket.settle("first", charged=False, meter=meter, block=block)
    assert max(waits(bucket)) <= TWO_DAYS


def test_a_block_without_figures_lasts_a_minute_at_most(bucket):
    bucket.settle_all([GrantResult(grant_id="first", charged=False, block=3600.0)])
    assert bucket.peek().blocked_for <= 61
