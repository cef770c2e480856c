"""What holds of the bucket whatever the windows, costs and arrivals: in simulated time, on a real Redis."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.bucket import CampaignLimits, CostExceedsLimit, Limits, Urgency
from tests.dialer.bucket.simulated_time import START, Provider, Wanted, World
from tests.support.draws import times

bounded = settings(
    max_examples=times(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def campaign(name: str, **own: Any) -> CampaignLimits:
    return CampaignLimits(campaign=name, **own)


@pytest.mark.drawn
@bounded
@given(
    seed=st.integers(0, 10**6),
    limit=st.integers(8, 60),
    seconds=st.sampled_from([10.0, 20.0, 60.0]),
    phase=st.floats(0, 60),
    most=st.integers(1, 5),
    latency=st.floats(0.01, 2.0),
    pace=st.sampled_from([2.0, 20.0, 200.0]),
)
def test_no_window_is_exceeded_everybody_is_served_and_no_token_is_lost(
    buckets, seed, limit, seconds, phase, most, latency, pace
):
    """Some requests fail and are not charged, some answers are lost, some come late; figures are whole seconds."""
    buckets.flushall()
    provider = Provider(limit=limit, seconds=seconds, phase=START + phase)
    world = World(buckets, Limits(pace=pace, minute_seconds=seconds), metered=True, seed=seed)
    rng = world.rng

    def send(one: Wanted) -> None:
        world.at(world.now + rng.uniform(0, latency), lambda: arrive(one))

    def arrive(one: Wanted) -> None:
        fails = rng.random() < 0.15
        taken = not fails and provider.take(one.points, world.now)
        meter, lost = provider.meter(world.now), rng.random() < 0.05
        back = world.now + rng.uniform(0, latency)
        world.at(
            back, lambda: world.bucket.settle(one.id, charged=None if lost else taken, meter=None if lost else meter)
        )

    for number in range(120):
        own = campaign(f"c{rng.randrange(3)}", weight=rng.choice([1, 2]))
        asked = START + rng.uniform(0, 2 * seconds)
        world.want(Wanted(f"w{number}", rng.randint(1, most), own, asked), send)
    world.run(seconds * (4 + 2 * 120 * most / limit) + 60)
    assert provider.refused == 0
    assert max(provider.charged.values()) <= limit
    assert set(world.granted) == set(world.wanted), "nobody waits for ever"
    world.bucket.forecast(1.0)  # leases are looked at when somebody asks
    standing = world.bucket.peek()
    assert (standing.in_flight, dict(standing.waiting)) == (0, {}), "no token is lost, no ticket left behind"


@pytest.mark.drawn
@bounded
@given(
    seed=st.integers(0, 10**6),
    limit=st.integers(6, 60),
    phase=st.floats(0, 60),
    most=st.integers(1, 5),
    pace=st.sampled_from([1.0, 20.0]),
)
def test_a_provider_that_tells_nothing_is_never_asked_for_more_than_a_window_holds(
    buckets, seed, limit, phase, most, pace
):
    """Whatever the phase of its minute, and however many points each request costs."""
    buckets.flushall()
    provider = Provider(limit=limit, seconds=60.0, phase=START + phase)
    world = World(buckets, Limits(pace=pace, minute_points=limit), metered=False, seed=seed)

    def send(one: Wanted) -> None:
        provider.take(one.points, world.now)
        world.bucket.settle(one.id, charged=True)

    for number in range(60):
        asked = START + world.rng.uniform(0, 30)
        world.want(Wanted(f"w{number}", world.rng.randint(1, most), campaign("c"), asked), send)
    world.run(60.0 * (4 + 2 * 60 * most / limit))
    assert provider.refused == 0
    assert len(world.granted) == 60


@pytest.mark.drawn
@bounded
@given(
    seed=st.integers(0, 10**6),
    weights=st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=2, max_size=4),
    askers=st.lists(st.integers(2, 9), min_size=4, max_size=4),
    pace=st.sampled_from([20.0, 200.0]),
)
def test_campaigns_share_by_weight_however_many_workers_ask_for_each(buckets, seed, weights, askers, pace):
    buckets.flushall()
    world = World(buckets, Limits(pace=pace), metered=False, seed=seed)
    tokens: Counter[str] = Counter()

    def again(one: Wanted) -> None:
        world.bucket.settle(one.id, charged=True)
        name = one.own.campaign
        tokens[name] += 1
        world.want(Wanted(f"{one.id}'"[-40:] + str(tokens.total()), 1, one.own, world.now), again)

    for number, weight in enumerate(weights):
        for asker in range(askers[number]):
            own = campaign(f"c{number}", weight=weight)
            world.want(Wanted(f"{number}-{asker}-", 1, own, START + world.rng.uniform(0, 0.1)), again)
    world.run(240 / pace)
    assert tokens.total() >= 235, "no slot of the pace is lost"
    for number, weight in enumerate(weights):
        fair = tokens.total() * weight / sum(weights)
        assert abs(tokens[f"c{number}"] - fair) <= 0.06 * tokens.total(), (tokens, weights)


@pytest.mark.drawn
@bounded
@given(seed=st.integers(0, 10**6), cap=st.sampled_from([0.5, 1.0, 2.0]), dead=st.integers(0, 4))
def test_capped_campaigns_and_dead_waiters_hold_nobody(buckets, seed, cap, dead):
    """Of the slots that a capped campaign and waiters who died cannot use, the others lose none for long."""
    buckets.flushall()
    world = World(buckets, Limits(pace=20.0), metered=False, seed=seed)
    times: list[float] = []

    def again(one: Wanted) -> None:
        world.bucket.settle(one.id, charged=True)
        if one.own.campaign == "free":
            times.append(world.now)
        world.want(Wanted(f"{one.own.campaign}{len(world.wanted)}", 1, one.own, world.now), again)

    for number in range(4):
        world.want(Wanted(f"capped-{number}", 1, campaign("capped", pace=cap), START), again)
        world.want(Wanted(f"free-{number}", 1, campaign("free"), START), again)
    for number in range(dead):
        world.at(START + 1, lambda number=number: world.bucket.acquire(f"dead-{number}", own=campaign("free")))
    world.run(20.0)
    assert len(times) >= 20.0 * (20.0 - cap) - 12
    assert max(later - sooner for sooner, later in itertools.pairwise(times)) <= 0.5


@pytest.mark.drawn
@bounded
@given(seed=st.integers(0, 10**6))
def test_calls_in_progress_never_exceed_their_limits_under_load(buckets, seed):
    buckets.flushall()
    world = World(buckets, Limits(pace=50.0, concurrency=6), metered=False, seed=seed)
    live: Counter[str] = Counter()

    def talk(one: Wanted) -> None:
        live[one.own.campaign] += 1
        assert live.total() <= 6
        assert live["small"] <= 2
        world.bucket.settle(one.id, charged=True, call_in_progress=True, campaign=one.own.campaign)
        world.at(world.now + world.rng.uniform(0.1, 3), lambda: hang_up(one))

    def hang_up(one: Wanted) -> None:
        live[one.own.campaign] -= 1
        assert world.bucket.end_calls([one.id], campaign=one.own.campaign) == 1

    for number in range(60):
        own = campaign("small", concurrency=2) if number % 3 == 0 else campaign("large")
        world.want(Wanted(f"w{number}", 1, own, START + world.rng.uniform(0, 5)), talk)
    world.run(120.0)
    assert len(world.granted) == 60
    assert world.bucket.peek().calls == 0


def test_a_retry_is_not_stuck_behind_first_tries_and_a_test_call_behind_nobody(buckets):
    world = World(buckets, Limits(pace=5.0), metered=False, seed=1)
    done: list[str] = []

    def note(one: Wanted) -> None:
        world.bucket.settle(one.id, charged=True)
        done.append(one.id)

    for number in range(20):
        world.want(Wanted(f"first-{number:02}", 1, campaign("c"), START), note)
    world.want(Wanted("retry", 1, campaign("c"), START + 0.5, Urgency.SOON), note)
    world.want(Wanted("test-call", 1, campaign("other"), START + 0.9, Urgency.URGENT), note)
    world.run(30.0)
    assert len(done) == 22
    assert done.index("retry") <= 5
    assert world.granted["test-call"] - (START + 0.9) <= 0.41, "two slots: the one in hand and its own"


def test_retries_without_end_do_not_stop_the_first_tries_of_their_campaign(buckets):
    world = World(buckets, Limits(pace=20.0), metered=False, seed=1)
    done: Counter[str] = Counter()

    def again(one: Wanted) -> None:
        world.bucket.settle(one.id, charged=True)
        done[one.urgency.name] += 1
        world.want(Wanted(f"w{len(world.wanted)}", 1, one.own, world.now, one.urgency), again)

    for number in range(4):
        world.want(Wanted(f"n{number}", 1, campaign("c"), START), again)
        world.want(Wanted(f"s{number}", 1, campaign("c"), START, Urgency.SOON), again)
    world.run(60.0)
    assert done["NORMAL"] >= 15, done


def test_what_can_never_be_granted_is_an_error_and_not_a_wait(buckets):
    world = World(buckets, Limits(pace=5.0, minute_points=10), metered=False, seed=1)
    with pytest.raises(CostExceedsLimit, match="11 points are asked for, and minute points are never more than 10"):
        world.bucket.acquire("too-much", points=11)


def test_the_same_id_is_the_same_grant_with_the_same_moment(buckets):
    world = World(buckets, Limits(pace=20.0), metered=False, seed=1)
    world.bucket.acquire("a")
    first = world.bucket.acquire("b")
    assert (first.granted, round(first.wait, 3)) == (True, 0.05)
    for _ in range(5):
        assert world.bucket.acquire("b") == first
    assert world.bucket.peek().in_flight == 2


def test_the_day_is_shared_by_weight_and_what_one_leaves_is_for_the_others(buckets):
    world = World(buckets, Limits(pace=1000.0, day_points=90), metered=False, seed=1)
    small, large = campaign("small"), campaign("large")
    world.bucket.share_day({"small": 1.0, "large": 2.0})

    def granted(own: CampaignLimits, most: int) -> int:
        got = 0
        for number in range(most):
            world.now += 0.01
            got += world.bucket.acquire(f"{own.campaign}{world.now}-{number}", own=own).granted
        return got

    assert granted(large, 80) == 60
    assert world.bucket.forecast(2.0, own=large).limit == "campaign share of the day"
    assert granted(small, 20) == 20
    world.bucket.share_day({"large": 2.0})  # the small one has finished
    assert granted(large, 20) == 10
    assert world.bucket.forecast(2.0, own=large).limit == "day points"


def test_an_older_copy_of_the_state_is_not_believed(buckets):
    """As after a restart from a snapshot: the figures in it are of another time."""
    world = World(buckets, Limits(pace=50.0), metered=True, seed=1)
    provider = Provider(limit=20, seconds=60.0, phase=START)
    world.bucket.acquire("probe")
    world.bucket.settle("probe", charged=True, meter=provider.meter(world.now))
    assert world.bucket.peek().windows[0].from_provider
    buckets.hset("{bucket:main}:state", "run", "another server")
    world.now += 0.1
    assert world.bucket.acquire("again").granted
    assert world.bucket.acquire("second").limit == "first answer awaited"


def test_a_clock_that_steps_back_reopens_no_window(buckets):
    world = World(buckets, Limits(pace=1.0), metered=False, seed=1)
    assert world.bucket.acquire("a").granted
    world.now -= 3600
    assert world.bucket.acquire("b").wait <= 1.0
    world.now += 3600 + 1
    assert world.bucket.acquire("b").granted


def test_a_refusal_for_speed_halves_the_pace_and_clean_minutes_bring_it_back(buckets):
    world = World(buckets, Limits(pace=10.0), metered=False, seed=1)
    world.bucket.acquire("a")
    world.bucket.settle("a", charged=False, block=1.0)
    assert world.bucket.peek().pace == pytest.approx(5.0)
    first = world.bucket.acquire("b")
    assert (first.granted, first.limit) == (False, "blocked by the provider")
    world.now += first.wait + 0.01
    world.bucket.acquire("b")
    world.bucket.settle("b", charged=False, block=1.0)
    assert 2.0 <= world.bucket.acquire("c").wait <= 2.2, "twice as long the second time in a row, and a little chance"
    world.now += 60 * 15
    assert world.bucket.peek().pace > 5.0
    world.now += 60 * 60
    assert world.bucket.peek().pace == pytest.approx(10.0)


def test_a_request_that_never_left_gives_back_the_pace_too(buckets):
    world = World(buckets, Limits(pace=1.0), metered=False, seed=1)
    world.bucket.acquire("a")
    world.bucket.settle("a", charged=False, sent=False)
    assert world.bucket.acquire("b").granted
    world.bucket.settle("b", charged=False)
    assert not world.bucket.acquire("c").granted, "this one the provider has seen"


def test_who_leaves_the_line_holds_nobody_and_pays_for_nothing(buckets):
    world = World(buckets, Limits(pace=1.0), metered=False, seed=1)
    mine = campaign("mine")
    world.bucket.acquire("a", own=mine)
    waits = [world.bucket.acquire(ticket, own=mine).wait for ticket in ("b", "c", "d")]
    assert [round(wait) for wait in waits] == [1, 2, 3]
    assert world.bucket.peek().waiting == {"mine": 3}
    assert world.bucket.leave_queue(["b", "c"], own=mine) == 2
    assert round(world.bucket.acquire("d", own=mine).wait) == 1


def test_an_urgent_request_may_use_what_is_kept_and_it_is_freed_towards_the_reset(buckets):
    world = World(buckets, Limits(pace=100.0, reserved_share=0.1), metered=True, seed=1)
    provider = Provider(limit=20, seconds=60.0, phase=START)
    world.bucket.acquire("probe")
    provider.charged[0] = 18
    world.bucket.settle("probe", charged=True, meter=provider.meter(world.now + 0.001))
    world.now += 0.1
    assert world.bucket.acquire("first").granted, "a fifty-ninth of the minute is gone, and a point is free"
    refused = world.bucket.acquire("second")
    assert (refused.limit, refused.wait < 31) == ("minute points", True)
    assert world.bucket.acquire("test-call", urgency=Urgency.URGENT).granted


def test_each_caller_id_has_its_own_pace(buckets):
    world = World(buckets, Limits(pace=1000.0, caller_id_pace=1.0), metered=False, seed=1)
    one, two = campaign("c", caller_id="+18005550100"), campaign("c", caller_id="+18005550101")
    assert world.bucket.acquire("a", own=one).granted
    world.now += 0.01
    assert world.bucket.acquire("b", own=one).limit == "pace of its caller ID"
    assert world.bucket.acquire("c", own=two).granted
    assert not any("555" in str(value) for value in buckets.hgetall("{bucket:main}:state")), "no number is in Redis"


def test_points_that_somebody_else_took_are_told_apart(buckets):
    world = World(buckets, Limits(pace=100.0), metered=True, seed=1)
    provider = Provider(limit=100, seconds=60.0, phase=START)
    provider.take(1, world.now)
    world.bucket.acquire("probe")
    world.bucket.settle("probe", charged=True, meter=provider.meter(world.now))
    provider.charged[0] += 30  # a colleague with a softphone
    world.now += 1
    world.bucket.acquire("a")
    provider.take(1, world.now)
    world.bucket.settle("a", charged=True, meter=provider.meter(world.now))
    (window,) = world.bucket.peek().windows
    assert (window.limit, window.left, window.used) == (100, 68, 32)
    assert window.used_by_others == 30


def test_several_calls_take_one_turn_and_as_many_tokens_as_there_are(buckets):
    world = World(buckets, Limits(pace=10.0, concurrency=6, day_points=100), metered=False, seed=1)
    world.bucket.acquire("a")
    assert world.bucket.acquire("b").granted, "the next slot"
    assert world.bucket.acquire_many(["x", "y"])[0] == 2, "near enough for two"
    names = [f"c{number}" for number in range(5)]
    none, refused = world.bucket.acquire_many(names)
    assert (none, refused.limit) == (0, "pace")
    world.now += refused.wait
    some, answer = world.bucket.acquire_many(names)
    assert (some, answer.granted) == (2, True), "four of the six places are taken"
    assert world.bucket.acquire_many(names)[0] == 2, "the same again"
    assert world.bucket.peek().in_flight == 6
    for name in names[:2]:
        world.bucket.settle(name, charged=True)
    late = world.bucket.acquire("d")
    assert (late.granted, round(late.wait, 2)) == (False, 0.3), "they used slots of the pace"
