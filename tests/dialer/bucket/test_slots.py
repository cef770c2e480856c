"""The slots of grants: wherever in its slot each request leaves, no second has more of them than the pace allows."""

from __future__ import annotations

import itertools
from random import Random

import pytest
import redis

from dialer.bucket import (
    BucketUnavailable,
    CallsAsked,
    CampaignLimits,
    CostExceedsLimit,
    Limits,
    TokenBucket,
    acquire_each,
)
from tests.dialer.bucket.simulated_time import World
from tests.support.timed_vendor import most_within


def most_allowed(pace: float) -> float:
    return pace + 1 if pace <= 100 else 1.05 * pace + 1


@pytest.mark.parametrize("turn", [1, 7])
@pytest.mark.parametrize("pace", [3, 18, 50, 100, 101, 250, 1000])
def test_no_second_is_fuller_than_the_pace_however_late_in_its_slot_each_leaves(buckets, pace, turn):
    world, rng = World(buckets, Limits(pace=pace), metered=False, seed=pace), Random(pace)
    moments: list[float] = []
    number, horizon = 0, world.now + 3
    while world.now < horizon:
        names = [f"{number + place}" for place in range(turn)]
        granted, answer = world.bucket.acquire_many(names)
        for place in range(granted):
            slot = answer.slots[place]
            leaves = slot.ends if rng.random() < 0.5 else rng.uniform(slot.begins, slot.ends)
            moments.append(leaves)
        number += granted
        world.now += answer.wait if not granted else 0.0
        if rng.random() < 0.02:
            world.now += rng.choice((0.03, 0.2, 1.1))  # nobody asked
    assert most_within(moments) <= most_allowed(pace)


@pytest.mark.parametrize("pace", [18, 250])
def test_new_slots_come_after_all_that_were_given_and_before_what_is_granted_later(buckets, pace):
    world = World(buckets, Limits(pace=pace), metered=False, seed=1)
    first = world.bucket.acquire("late")
    world.now += 0.5
    other = world.bucket.acquire("in time")
    new = world.bucket.next_slots(["late", "lost"])
    while not (later := world.bucket.acquire("later")).granted:
        world.now += later.wait
    begins = [other.slots[0].begins, new[0].begins, new[1].begins, later.slots[0].begins]
    assert begins == sorted(begins)
    assert min(after - before for before, after in itertools.pairwise(begins)) >= 0.99 / pace
    assert first.slots[0].ends < new[0].begins
    assert world.bucket.peek().in_flight == 3, "charged once"


def test_new_slots_keep_to_the_campaigns_own_pace_and_to_a_block(buckets):
    world = World(buckets, Limits(pace=100.0), metered=False, seed=1)
    own = CampaignLimits(campaign="slow", pace=2.0)
    for name in ("a", "b"):
        while not (answer := world.bucket.acquire(name, own=own)).granted:
            world.now += answer.wait
    slots = world.bucket.next_slots(["a", "b"], own=own)
    assert slots[1].begins - slots[0].begins == pytest.approx(0.5, abs=0.01)
    world.bucket.settle("b", charged=False, block=3.0)
    assert world.bucket.next_slots(["a"], own=own)[0].begins - world.now >= 2.99


def test_a_call_that_was_never_sent_gives_its_slot_back(buckets):
    world = World(buckets, Limits(pace=1.0), metered=False, seed=1)
    world.bucket.acquire("a")
    world.bucket.settle("a", charged=False, sent=False)
    assert world.bucket.acquire("b").wait == 0


@pytest.mark.parametrize(
    ("limits", "granted"),
    [
        (Limits(pace=100.0), 50),
        (Limits(pace=10.0), 5),
        (Limits(pace=1.0), 1),
        (Limits(pace=100.0, minute_points=240), 2),
        (Limits(pace=100.0, caller_id_pace=4.0), 2),
    ],
)
def test_no_slot_is_granted_that_begins_more_than_half_a_second_later(buckets, limits, granted):
    """What sets the pace may be slower than the account's own: its minute, of unknown phase, or one number."""
    world = World(buckets, limits, metered=False, seed=1)
    world.bucket.acquire("first")
    names, own = [str(number) for number in range(80)], CampaignLimits(campaign="one", caller_id="+18005550100")
    while not (answer := world.bucket.acquire_many(names, own=own))[0]:
        world.now += answer[1].wait
    assert answer[0] == granted
    assert answer[1].slots[granted - 1].begins - answer[1].slots[0].begins <= 0.5


def test_buckets_are_asked_together_and_one_that_cannot_be_asked_keeps_none_from_the_others(buckets):
    accounts = [TokenBucket(buckets, name, Limits(pace=10.0)) for name in ("main", "second")]
    lost = TokenBucket(redis.Redis(port=1), "lost", Limits(pace=10.0))
    small = TokenBucket(buckets, "small", Limits(pace=10.0, minute_points=2, call_points=5))
    broken = TokenBucket(buckets, "broken", Limits(pace=10.0))
    broken.limits = None  # type: ignore[assignment]
    asked = [CallsAsked(bucket=one, grant_ids=["a", "b"]) for one in (accounts[0], small, broken, accounts[1])]
    answers = acquire_each(asked)
    assert [type(answer) for answer in answers] == [tuple, CostExceedsLimit, AttributeError, tuple]
    assert [answers[place][0] for place in (0, 3)] == [2, 2]
    assert [type(answer) for answer in acquire_each([CallsAsked(bucket=lost, grant_ids=["a"])])] == [BucketUnavailable]
    assert acquire_each([]) == []
