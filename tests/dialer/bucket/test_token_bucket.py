"""The token bucket on a real Redis. Nothing here depends on how fast the machine is: times are asked of the answers."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from dialer.bucket import (
    BucketUnavailable,
    CallsAsked,
    CampaignLimits,
    ForecastAsked,
    GrantResult,
    Limits,
    Settlement,
    TokenBucket,
    acquire_each,
    connect,
    forecast_each,
    settle_each,
)
from dialer.verdicts import Meter
from tests.support.patience import PATIENCE

FULL = Meter(minute_limit=150, minute_remaining=100, minute_reset=40, day_limit=750, day_remaining=500, day_reset=3000)


def bucket(buckets: redis.Redis, *, metered: bool = False, **limits: object) -> TokenBucket:
    return TokenBucket(buckets, "main", Limits(**{"pace": 100_000.0, **limits}), metered=metered)


def test_the_pace_says_how_long_to_wait_for_the_next_token(buckets):
    slow = bucket(buckets, pace=0.5)
    assert slow.acquire("a").granted
    refused = slow.acquire("b")
    assert not refused.granted
    assert refused.limit == "pace"
    assert 0 < refused.wait <= 2.0


def test_the_same_grant_asked_again_is_granted_and_charged_nothing(buckets):
    slow = bucket(buckets, pace=0.01, concurrency=5)
    assert slow.acquire("a").granted
    assert slow.acquire("a").granted
    assert slow.acquire("b").limit == "pace"
    assert slow.forecast(0.0).calls == 0


def test_a_refusal_takes_from_no_limit(buckets):
    """Two windows asked one after the other charge the first when the second refuses; one script does not."""
    narrow = bucket(buckets, day_points=1)
    assert narrow.acquire("a").granted
    for number in range(20):
        assert narrow.acquire(f"b{number}").limit == "day points"
    narrow.settle("a", charged=False)
    assert narrow.acquire("c").granted, "twenty refusals and one refund leave the one point there is"


def test_calls_in_progress_are_limited_until_they_hang_up(buckets):
    two = bucket(buckets, concurrency=2)
    assert two.acquire("a").granted
    assert two.acquire("b").granted
    two.settle("a", charged=True, call_in_progress=True)
    assert two.acquire("c").limit == "calls in progress"
    assert two.end_calls(["a"]) == 1
    assert two.acquire("c").granted


def test_a_call_that_was_not_placed_leaves_its_place_at_once(buckets):
    one = bucket(buckets, concurrency=1)
    assert one.acquire("a").granted
    one.settle("a", charged=False)
    assert one.acquire("b").granted


def test_an_unknown_answer_keeps_its_place_and_its_points(buckets):
    one = bucket(buckets, concurrency=1, day_points=5)
    assert one.acquire("a").granted
    one.settle("a", charged=None, call_in_progress=True)
    assert one.acquire("b").limit == "calls in progress"


def test_a_look_at_the_calls_takes_points_but_no_place(buckets):
    one = bucket(buckets, concurrency=1)
    assert one.acquire("look", call=False).granted
    assert one.acquire("a").granted


def test_a_campaigns_own_cap_does_not_hold_the_others(buckets):
    shared = bucket(buckets)
    capped, free = CampaignLimits(campaign="x", pace=0.01), CampaignLimits(campaign="y")
    assert shared.acquire("x1", own=capped).granted
    assert shared.acquire("x2", own=capped).limit == "campaign pace"
    assert all(shared.acquire(f"y{n}", own=free).granted for n in range(10))


def test_the_providers_own_figures_replace_ours(buckets):
    metered = bucket(buckets, metered=True, minute_points=1)
    assert metered.acquire("a").granted
    metered.settle("a", charged=True, meter=Meter(minute_limit=150, minute_remaining=2, minute_reset=40))
    assert metered.acquire("b").granted
    assert metered.acquire("c").granted
    refused = metered.acquire("d")
    assert refused.limit == "minute points"
    assert 30 < refused.wait <= 41


def test_points_in_flight_count_until_the_provider_says_what_is_left(buckets):
    metered = bucket(buckets, metered=True)
    metered.acquire("a")
    metered.settle("a", charged=True, meter=Meter(minute_limit=150, minute_remaining=3, minute_reset=40))
    for number in range(3):
        assert metered.acquire(f"flying{number}").granted
    assert metered.acquire("one too many").limit == "minute points"
    metered.settle("flying0", charged=False)
    assert metered.acquire("its refund").granted


@pytest.mark.parametrize("order", [(2, 5), (5, 2)], ids=["late answer last", "late answer first"])
def test_answers_in_any_order_leave_the_lowest_figure(buckets, order):
    metered = bucket(buckets, metered=True)
    metered.acquire("first")
    metered.settle("first", charged=True, meter=FULL)
    for number, remaining in enumerate(order):
        metered.acquire(f"call{number}")
        meter = Meter(minute_limit=150, minute_remaining=remaining, minute_reset=40)
        metered.settle(f"call{number}", charged=True, meter=meter)
    assert [metered.acquire(f"left{n}").granted for n in range(3)] == [True, True, False]


def test_an_answer_of_the_window_before_changes_nothing(buckets):
    metered = bucket(buckets, metered=True)
    metered.acquire("new")
    metered.settle("new", charged=True, meter=Meter(minute_limit=150, minute_remaining=149, minute_reset=58))
    metered.acquire("old")
    metered.settle("old", charged=True, meter=Meter(minute_limit=150, minute_remaining=0, minute_reset=1))
    assert metered.acquire("next").granted


def test_missing_figures_are_no_figures(buckets):
    metered = bucket(buckets, metered=True)
    metered.acquire("a")
    metered.settle("a", charged=True, meter=Meter(minute_limit=150))
    assert metered.acquire("b").granted


def test_an_emptied_redis_starts_with_one_probe(buckets):
    """Nothing is known of the provider's window, so one request asks before the others follow."""
    metered = bucket(buckets, metered=True)
    assert metered.forecast(5.0).calls == 1
    assert metered.acquire("probe").granted
    assert metered.acquire("second").limit == "first answer awaited"
    awaited = metered.forecast(5.0)
    assert (awaited.calls, awaited.limit) == (0, "first answer awaited")
    metered.settle("probe", charged=True, meter=FULL)
    assert metered.acquire("second").granted
    buckets.flushall()
    assert metered.acquire("probe again").granted
    assert metered.acquire("third").limit == "first answer awaited"


def test_a_first_answer_that_is_lost_lets_another_ask_and_still_only_one(buckets):
    """Its points stay in flight, but nobody waits out their lease for an answer that will not come."""
    metered = bucket(buckets, metered=True)
    assert metered.acquire("probe").granted
    metered.settle("probe", charged=None, call_in_progress=True)
    assert metered.forecast(5.0).calls == 1
    assert metered.acquire("second", call=False).granted
    assert metered.acquire("third").limit == "first answer awaited"
    metered.settle("second", charged=True, meter=FULL)
    assert metered.acquire("third").granted


@pytest.mark.parametrize("pace", [0.05, 0.4, 0.5, 1.0])
def test_a_slow_pace_lets_one_through_as_soon_as_it_is_free(buckets, pace):
    """The next token may lie beyond the horizon: the one that is free now does not."""
    slow = bucket(buckets, pace=pace)
    assert slow.forecast(2.0).calls >= 1
    assert slow.acquire("a").granted
    assert slow.forecast(0.5).calls == 0
    assert slow.forecast(1 / pace).calls == 1


def test_a_minute_without_figures_is_paced_so_that_no_phase_of_it_can_exceed(buckets):
    """A fixed window whose phase we do not know would grant twice its limit around its edge."""
    paced = bucket(buckets, minute_points=60)
    assert paced.acquire("a").granted
    refused = paced.acquire("b")
    assert refused.limit == "minute points, paced"
    assert 0.5 < refused.wait <= 1.0


def test_a_provider_that_says_wait_is_waited_for_by_all(buckets):
    mine, theirs = bucket(buckets), bucket(buckets)
    mine.acquire("a")
    mine.settle("a", charged=False, block=20.0)
    refused = theirs.acquire("b")
    assert refused.limit == "blocked by the provider"
    assert 15 < refused.wait <= 20
    assert theirs.forecast(2.0).calls == 0


def test_the_forecast_takes_nothing_and_names_what_binds(buckets):
    ten = bucket(buckets, pace=10, concurrency=3)
    assert ten.forecast(2.0).limit == "calls in progress"
    assert ten.forecast(2.0).calls == 3
    assert bucket(buckets, pace=10).forecast(2.0).calls in {19, 20, 21}


def test_settling_twice_is_told_and_refunds_once(buckets):
    narrow = bucket(buckets, day_points=2)
    narrow.acquire("a")
    assert narrow.settle("a", charged=False)
    assert not narrow.settle("a", charged=False)
    assert [narrow.acquire(f"b{n}").granted for n in range(3)] == [True, True, False]


def test_without_redis_nothing_is_granted():
    away = TokenBucket(connect("redis://127.0.0.1:1/0"), "main", Limits(pace=5))
    with pytest.raises(BucketUnavailable, match="no call of account main"):
        away.acquire("a")


def test_scripts_survive_a_redis_that_forgot_them(buckets):
    one = bucket(buckets)
    one.acquire("a")
    buckets.script_flush()
    assert one.acquire("b").granted


def test_many_grants_are_settled_together_also_by_a_redis_that_forgot_the_script(buckets):
    one = bucket(buckets, day_points=10)
    names = [f"call-{number}" for number in range(4)]
    assert one.acquire_many(names)[0] == 4
    buckets.script_flush()
    settled = [
        GrantResult(grant_id=name, charged=number % 2 == 0) for number, name in enumerate([*names, "never heard of"])
    ]
    assert one.settle_all(settled) == 4
    assert one.settle_all(settled) == 0
    assert (one.peek().windows[0].left, one.peek().calls) == (8, 0)


def test_only_the_first_to_ask_has_the_turn(buckets):
    assert bucket(buckets).claim_lease("look", 60)
    assert not bucket(buckets).claim_lease("look", 60)


def _greedy(url: str, name: int, seconds: float, out: multiprocessing.Queue) -> None:
    client = connect(url)
    mine, granted = TokenBucket(client, "main", Limits(pace=50)), []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = mine.acquire(f"{name}-{len(granted)}")
        if answer.granted:
            granted.append(time.monotonic())
        else:
            time.sleep(answer.wait)
    client.close()
    out.put(granted)


def test_several_processes_together_keep_one_pace(buckets, redis_url):
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    workers = [spawn.Process(target=_greedy, args=(redis_url, number, 3.0, out)) for number in range(3)]
    for worker in workers:
        worker.start()
    moments = sorted(moment for _ in workers for moment in out.get(timeout=PATIENCE))
    for worker in workers:
        worker.join()
    busiest = max(sum(1 for other in moments if 0 <= other - moment < 1.0) for moment in moments)
    assert busiest <= 54, "50 a second, a burst of two, and the edges of a second"
    assert len(moments) > 10


def test_a_look_takes_points_and_no_place_in_the_line_of_the_calls_it_follows(buckets):
    """Calls keep the line full for as long as a campaign lasts: a look that stood in it would come too late."""
    slow = bucket(buckets, metered=True, pace=0.01)
    slow.acquire("a")
    slow.settle("a", charged=True, meter=Meter(minute_limit=10, minute_remaining=2, minute_reset=39))
    assert slow.acquire("b").limit == "pace"
    assert [slow.acquire(f"look{n}", call=False).limit for n in range(3)] == ["", "", "minute points"]
    unmetered = TokenBucket(buckets, "other", Limits(pace=0.01))
    assert unmetered.acquire("a").granted
    assert unmetered.acquire("question", call=False).limit == "pace", "its provider counts requests of any kind"


def test_calls_leave_the_points_that_following_them_will_take(buckets):
    """Out of points nobody could see how the calls in progress end."""
    followed = bucket(buckets, metered=True, poll_seconds=10.0)
    followed.acquire("a")
    followed.settle("a", charged=True, meter=Meter(minute_limit=100, minute_remaining=5, minute_reset=39))
    assert followed.acquire("b").granted
    assert followed.acquire("c").limit == "minute points"
    assert followed.forecast(10.0).calls == 0
    assert all(followed.acquire(f"look{n}", call=False).granted for n in range(4))
    assert followed.acquire("nothing is left by our books, and one asks", call=False).granted
    assert followed.acquire("look too many", call=False).limit == "minute points"


def test_the_program_in_the_docs_runs_and_leaves_nothing_taken(buckets, redis_url):
    page = (Path(__file__).parents[3] / "docs" / "pace.md").read_text()
    program = page.split("```python\n")[1].split("```")[0].replace("redis://127.0.0.1:6379/0", redis_url)
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
        assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
        assert bucket(buckets, minute_points=150, concurrency=10).peek().calls == 0


class Broken(TokenBucket):
    """A bucket of an account whose limits cannot be reckoned with."""

    def as_asked(self, *_: object) -> None:
        raise ZeroDivisionError

    as_forecast = as_settled = as_asked


def test_buckets_of_many_accounts_are_asked_together_and_one_that_fails_fails_alone(buckets):
    accounts = [
        TokenBucket(buckets, "first", Limits(pace=2.0)),
        Broken(buckets, "second", Limits(pace=2.0)),
        TokenBucket(buckets, "third", Limits(pace=5.0)),
    ]
    before = buckets.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    first, second, third = forecast_each([ForecastAsked(bucket=one, horizon=2.0) for one in accounts])
    assert (first.calls, type(second), third.calls) == (5, ZeroDivisionError, 11)
    first, second, third = acquire_each([CallsAsked(bucket=one, grant_ids=["a"]) for one in accounts])
    assert (first[0], type(second), third[0]) == (1, ZeroDivisionError, 1)
    placed = [GrantResult(grant_id="a", charged=True)]
    assert [type(one) for one in settle_each([Settlement(one, placed) for one in accounts])] == [
        int,
        ZeroDivisionError,
        int,
    ]
    assert [one.peek().in_flight for one in accounts] == [0, 0, 0]
    assert buckets.info("commandstats")["cmdstat_evalsha"]["calls"] - before == 6 + 3, "and three looks"


def test_without_redis_each_bucket_that_is_asked_says_so():
    away = [TokenBucket(connect("redis://127.0.0.1:1"), name, Limits(pace=2.0)) for name in ("first", "second")]
    for answers in (
        forecast_each([ForecastAsked(bucket=one, horizon=2.0) for one in away]),
        settle_each([Settlement(one, [GrantResult(grant_id="a", charged=True)]) for one in away]),
    ):
        assert [type(one) for one in answers] == [BucketUnavailable] * 2
