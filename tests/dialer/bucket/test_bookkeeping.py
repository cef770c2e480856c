"""The books of a bucket balance, whatever is asked of it: points in flight, places in the line, lists of tickets."""

from __future__ import annotations

import time
from random import Random

import pytest
import redis

from dialer.bucket import CampaignLimits, CostExceedsLimit, GrantResult, Limits, TokenBucket, Urgency
from dialer.verdicts import Meter

OWN = [
    CampaignLimits(campaign="x", weight=3),
    CampaignLimits(campaign="y", pace=5),
    CampaignLimits(campaign="z", concurrency=2),
    CampaignLimits(),
]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def balance(buckets: redis.Redis) -> None:
    """Fail where a sum that is kept is not the sum of what is there."""
    state, line, beats, flight = (f"{{bucket:main}}:{part}" for part in ("state", "line", "beats", "flight"))
    tickets, grants = buckets.hgetall("{bucket:main}:tickets"), buckets.hgetall("{bucket:main}:grants")
    assert float(buckets.hget(state, "lt") or 0) == sum(float(ticket.split()[0]) for ticket in tickets.values())
    assert float(buckets.hget(state, "fly") or 0) == sum(float(grant.split()[0]) for grant in grants.values())
    assert set(buckets.zrange(line, 0, -1)) == set(buckets.zrange(beats, 0, -1)) == set(tickets)
    assert set(buckets.zrange(flight, 0, -1)) == set(grants)


class Customer:
    """Asks, settles, leaves, hangs up and looks, by chance, and forgets nothing that it once asked for."""

    def __init__(self, bucket: TokenBucket, rng: Random, metered: bool) -> None:
        self._bucket, self._rng, self._metered = bucket, rng, metered
        self._asked: list[tuple[list[str], CampaignLimits]] = []
        self._remaining = 200

    def act(self, number: int) -> None:
        known = bool(self._asked)
        match self._rng.randrange(9):
            case 0 | 1 | 2 | 3:
                self._ask(number)
            case 4 | 5 if known:
                self._settle(*self._rng.choice(self._asked))
            case 6 if known:
                ids, own = self._rng.choice(self._asked)
                self._bucket.leave_queue(ids, own=own)
            case 7 if known:
                ids, own = self._rng.choice(self._asked)
                self._bucket.end_calls(ids, campaign=own.campaign)
            case _:
                self._bucket.forecast(1.0)

    def _ask(self, number: int) -> None:
        rng = self._rng
        own, urgency = rng.choice(OWN), rng.choice(list(Urgency))
        ids = [f"{number}-{one}" for one in range(rng.choice([1, 1, 4]))]
        if self._asked and rng.random() < 0.5:
            ids = rng.choice(self._asked)[0]
        if len(ids) == 1 and rng.random() < 0.3:
            cost = {"points": rng.choice([1, 3]), "tokens": rng.choice([1, 2]), "call": rng.random() < 0.7}
            self._bucket.acquire(
                ids[0], own=own, urgency=urgency, lease=rng.choice([None, 1.0]), call_lease=5.0, **cost
            )
        else:
            self._bucket.acquire_many(ids, own=own, urgency=urgency)
        self._asked.append((ids, own))

    def _settle(self, ids: list[str], own: CampaignLimits) -> None:
        rng = self._rng
        self._remaining = max(0, self._remaining - 1) or 200
        told = Meter(minute_limit=300, minute_remaining=self._remaining, minute_reset=rng.randrange(60))
        self._bucket.settle(
            rng.choice(ids),
            charged=rng.choice([True, False, None]),
            sent=rng.random() < 0.7,
            call_in_progress=rng.random() < 0.5,
            meter=told if self._metered and rng.random() < 0.7 else None,
            campaign=own.campaign,
        )


@pytest.mark.parametrize("metered", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_asked_in_whatever_order_the_sums_are_those_of_what_is_there(buckets, clock, seed, metered):
    rng = Random(seed)
    limits = Limits(
        pace=rng.choice([2, 20, 300]),
        minute_points=None if metered else rng.choice([60, 3000]),
        day_points=500,
        concurrency=rng.choice([3, 20]),
    )
    customer = Customer(TokenBucket(buckets, "main", limits, metered=metered, clock=clock), rng, metered)
    for number in range(300):
        customer.act(number)
        clock.now += rng.choice([0, 0, 0.0005, 0.05, 0.3, 3, 70, -10])
        balance(buckets)


def test_what_can_never_be_granted_forgets_whom_it_found_dead(buckets, clock):
    one = TokenBucket(buckets, "main", Limits(pace=1, day_points=100), clock=clock)
    assert one.acquire("dies", lease=1.0, call_lease=1.0).granted
    for waiter in range(3):
        one.acquire(f"waits-{waiter}")
    clock.now += 60
    with pytest.raises(CostExceedsLimit):
        one.acquire("too dear", points=1000)
    balance(buckets)
    assert one.peek().in_flight == 0


def test_a_turn_that_is_asked_for_again_after_its_first_call_was_refused_counts_nobody_twice(buckets):
    one = TokenBucket(buckets, "main", Limits(pace=1000, day_points=100))
    own, ids = CampaignLimits(campaign="x"), ["a", "b", "c", "d"]
    assert one.acquire_many(ids, own=own)[0] == 4
    one.settle("a", charged=False, campaign="x")
    while not one.acquire_many(ids, own=own)[0]:
        time.sleep(0.01)
    one.settle_all([GrantResult(grant_id=name, charged=False) for name in ids], campaign="x")
    assert one.peek().in_flight == 0
    assert [window.left for window in one.peek().windows] == [100]


def test_a_clock_that_was_set_back_is_named_for_as_long_as_it_holds_everybody(buckets, clock):
    one = TokenBucket(buckets, "main", Limits(pace=10), clock=clock)
    clock.now += 3600
    for call in range(30):
        one.acquire(f"in the future {call}")
    clock.now -= 3600
    forecast, (limit, seconds) = one.forecast(2.0), one.peek().binding
    assert limit == "Redis's clock, which was set back"
    assert 3590 < seconds < 3601
    assert forecast.calls > 0 or forecast.limit == limit
    clock.now += 3660
    assert one.acquire("later").granted
    assert one.peek().clock_behind == 0


def refused(bucket: TokenBucket, clock: Clock, *names: str) -> None:
    """All of them leave, and then the provider says to each that we are too fast."""
    for name in names:
        while not bucket.acquire(name).granted:
            clock.now += 0.01
    clock.now += 0.1
    for name in names:
        bucket.settle(name, charged=False, block=1.0)


def test_refusals_of_requests_that_had_left_together_slow_the_account_once(buckets, clock):
    one = TokenBucket(buckets, "main", Limits(pace=20), clock=clock)
    refused(one, clock, *(f"call-{number}" for number in range(5)))
    assert one.peek().pace == pytest.approx(10)
    assert one.peek().blocked_for <= 1.1
    clock.now += 2
    refused(one, clock, "still too fast")
    assert one.peek().pace == pytest.approx(5)
    assert one.peek().blocked_for > 1.9


def test_an_account_that_has_recovered_is_slowed_as_if_for_the_first_time(buckets, clock):
    one = TokenBucket(buckets, "main", Limits(pace=20), clock=clock)
    for day in range(5):
        refused(one, clock, f"day-{day}")
        assert one.peek().pace == pytest.approx(10)
        clock.now += 86400
        one.acquire(f"fine-{day}")
        one.settle(f"fine-{day}", charged=True)
        assert one.peek().pace == pytest.approx(20)
