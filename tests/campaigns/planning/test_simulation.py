"""A campaign replayed on its own clock keeps to every limit, as the workers would."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from campaigns.planning.capacity import Capacity, slowdown_after
from campaigns.planning.outcome_model import OutcomeModel
from campaigns.planning.simulated_numbers import NumberGroups
from campaigns.planning.simulation import SLOT, SimulatedContacts, Simulation, SimulationResult
from dialer.bucket import Limits, TokenBucket
from dialer.calls import Outcome
from dialer.verdicts import Verdict
from tests.support.seeding import definition

TUESDAY = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
ALL_ANSWER = OutcomeModel(
    first={Outcome.ANSWERED: 1.0}, later={Outcome.ANSWERED: 1.0}, durations={Outcome.ANSWERED: [5.0]}
)


def replayed(
    written: dict[str, Any],
    count: int,
    *,
    odds: OutcomeModel = ALL_ANSWER,
    seed: int = 1,
    not_after: float = math.inf,
    last: Mapping[int, float] | None = None,
    shown: Callable[[int], NumberGroups] | None = None,
    **speed: Any,
) -> SimulationResult:
    """So many contacts on a Tuesday; `last` says how many seconds some may be called for, `shown` by which numbers."""
    people = SimulatedContacts(zones=["UTC"])
    for place in range(count):
        people.zone.append(0)
        people.not_after.append(TUESDAY.timestamp() + last[place] if last and place in last else not_after)
        people.message_seconds.append(0.0)
        if shown:
            people.add_numbers(shown(place))
    facts = {"gap": 0.1, "concurrency": None, "day_calls": None} | speed
    return Simulation(definition(**written), people, Capacity(**facts), odds).run(TUESDAY.timestamp(), Random(seed))


def took(done: SimulationResult) -> float:
    return done.ends - TUESDAY.timestamp()


def telling(*stories: tuple[tuple[Outcome | Verdict, float], ...]) -> OutcomeModel:
    """Odds of an account whose contacts have lived these stories, as often as they are given."""
    return OutcomeModel(
        first=ALL_ANSWER.first,
        later=ALL_ANSWER.later,
        durations=ALL_ANSWER.durations,
        recorded_contacts=stories,
        calls=50,
    )


@pytest.mark.parametrize(
    ("speed", "seconds"),
    [
        ({}, 99 * 0.1 + 5),  # pace
        ({"concurrency": 10}, 50),  # ten at once, five seconds each
        ({"day_calls": 40, "day_seconds": 1000.0}, 2000 + 19 * 0.1 + 5),  # 40, 40, and 20 on the third day
    ],
)
def test_the_narrowest_limit_says_when_it_is_over(speed, seconds):
    done = replayed({}, 100, **speed)
    assert done.calls == 100
    assert took(done) == pytest.approx(seconds, abs=1.0)


def test_retries_come_after_their_delay_until_the_cap_of_attempts():
    never = OutcomeModel(first={Outcome.BUSY: 1.0}, later={Outcome.BUSY: 1.0}, durations={Outcome.BUSY: [3.0]})
    retry = {"max_attempts": 3, "busy": ["5m", "15m"]}
    done = replayed({"retry": retry}, 10, odds=never)
    assert (done.calls, done.reached) == (30, 0)
    assert took(done) == pytest.approx(20 * 60 + 9 + 1, abs=2)


@pytest.mark.parametrize(("on_unknown", "calls"), [("redial", 3), ("report", 1)])
def test_unknown_calls_are_made_again_where_the_campaign_says_so(on_unknown, calls):
    unknown = OutcomeModel(
        first={Outcome.UNKNOWN: 1.0}, later={Outcome.UNKNOWN: 1.0}, durations={Outcome.UNKNOWN: [60.0]}
    )
    done = replayed({"on_unknown": on_unknown, "retry": {"max_attempts": 3, "busy": ["5m"]}}, 1, odds=unknown)
    assert (done.calls, took(done)) == (calls, pytest.approx(calls * 60.0, abs=1.0))


@pytest.mark.parametrize(("not_after", "calls"), [(3600.0, 2), (math.inf, 2), (240.0, 1)])
def test_where_another_part_of_the_day_is_too_late_for_the_contact_the_retry_comes_in_this_one(not_after, calls):
    busy = OutcomeModel(first={Outcome.BUSY: 1.0}, later={Outcome.BUSY: 1.0}, durations={Outcome.BUSY: [3.0]})
    retry = {"max_attempts": 2, "busy": ["5m"], "other_part_of_day": ["busy"]}
    done = replayed({"retry": retry}, 1, odds=busy, not_after=TUESDAY.timestamp() + not_after)
    assert done.calls == calls
    assert (took(done) < 3600) == (not_after < math.inf)


def test_who_was_silent_once_is_silent_again_for_as_long():
    """People are not dice: an account's calls are drawn contact by contact, not one by one."""
    silent, there = ((Outcome.NO_ANSWER, 10.0),) * 3, ((Outcome.ANSWERED, 2.0),)
    shares = {Outcome.ANSWERED: 0.5, Outcome.NO_ANSWER: 0.5}
    odds = OutcomeModel(first=shares, later=shares, durations={}, recorded_contacts=[silent, there], calls=50)
    done = replayed({"retry": {"max_attempts": 3, "no_answer": ["1m", "1m"]}}, 400, odds=odds)
    assert 120 < done.reached < 280
    assert done.calls == done.reached + 3 * (400 - done.reached)


def test_calls_leave_at_the_workers_ticks_and_are_over_once_their_end_is_known():
    done = replayed({}, 1, tick=2.0, settle_seconds=1.0)
    assert done.first_at[0] - TUESDAY.timestamp() == 2.0
    assert took(done) == 8.0, "five seconds of call, one until it is settled, by a tick"


ANSWERS = ((Outcome.ANSWERED, 5.0),)
ONE_OF_200 = 2  # a seed by which one contact of 200 lives the story of one in 200
HASTE = ((Verdict.THROTTLED, 1.0), (Outcome.ANSWERED, 5.0))


def test_a_refusal_for_haste_stops_the_account_for_a_moment_and_halves_its_pace():
    everybody = replayed({}, 200, odds=telling(ANSWERS), gap=0.0, account_gap=0.1, slows=True)
    assert took(everybody) == pytest.approx(199 * 0.1 + 5, abs=0.1)
    once = replayed(
        {}, 200, odds=telling(*[ANSWERS] * 199, HASTE), seed=ONE_OF_200, account_gap=0.1, gap=0.0, slows=True
    )
    assert once.calls == 200, "what was refused was no call"
    moments = [at - TUESDAY.timestamp() for at in once.first_at]
    (refused,) = (place for place, (one, two) in enumerate(pairwise(moments)) if two - one > 0.9)
    assert took(once) == pytest.approx(refused * 0.1 + 1 + (200 - refused) * 0.2 + 5, abs=0.5)


def test_where_the_provider_tells_its_figures_a_refusal_makes_nobody_slower():
    """CallGear says when its minute begins anew: until then nothing leaves, and then as ever."""
    until_then = ((Verdict.THROTTLED, 30.0), (Outcome.ANSWERED, 5.0))
    done = replayed({}, 2, odds=telling(until_then), gap=0.0, account_gap=0.1)
    moments = [at - TUESDAY.timestamp() for at in done.first_at]
    assert moments == pytest.approx([0.0, 30.1], abs=0.01), "who waits for another try goes first"
    assert took(done) == pytest.approx(60 + 0.1 + 5, abs=0.2), "both were refused once, and were asked for once more"


def test_whom_the_provider_refuses_is_asked_for_once_and_never_reached():
    refused = ((Verdict.REFUSE_CONTACT, math.inf),)
    done = replayed({"retry": {"max_attempts": 3, "failed": ["1m", "1m"]}}, 10, odds=telling(refused))
    assert (done.calls, done.reached) == (0, 0)
    assert all(map(math.isfinite, done.first_at))


def test_requests_that_placed_no_call_are_no_attempts():
    """Its two attempts are left to a contact for whom the provider failed three times."""
    failing = ((Verdict.NOT_PLACED, 1.0),) * 3 + ((Outcome.BUSY, 2.0), (Outcome.ANSWERED, 5.0))
    done = replayed({"retry": {"max_attempts": 2, "busy": ["1m"]}}, 1, odds=telling(failing))
    assert (done.calls, done.reached) == (2, 1)
    assert took(done) == pytest.approx(3 + 2 + 60 + 5, abs=0.5)


def test_an_account_that_is_slower_now_recovers_as_its_bucket_does(buckets):
    """The replay's arithmetic is that of the bucket's own scripts."""
    now = [1_800_000_000.0]
    bucket = TokenBucket(buckets, "main", Limits(pace=10), clock=lambda: now[0])
    for number in range(2):
        assert bucket.acquire(f"a{number}").granted
        bucket.settle(f"a{number}", charged=False, block=1.0)
        now[0] += 10
    since = now[0] - 10
    for minutes in (0, 1, 7, 20, 40):
        now[0] = since + 60 * minutes + 1
        assert 10 / bucket.peek().pace == pytest.approx(slowdown_after(4.0, now[0] - since), rel=1e-6)
    slow = replayed({}, 100, gap=0.0, account_gap=0.1, slowdown=4.0)
    assert took(slow) == pytest.approx(99 * 0.4 + 5, abs=0.5)


def test_a_blocked_account_begins_when_it_is_let():
    assert replayed({}, 1, blocked_for=30.0).first_at[0] - TUESDAY.timestamp() == 30.0


def test_what_is_left_of_the_day_is_used_first():
    done = replayed({}, 100, day_calls=60, day_left=10, day_ends=500.0)
    days = [sum(at - TUESDAY.timestamp() < until for at in done.first_at) for until in (500, 500 + 86400, math.inf)]
    assert days == [10, 70, 100]


@pytest.mark.parametrize(
    ("written", "limits", "hours"),
    [
        ({}, {"budget_day_calls": 2, "budget_day_ends": 86400.0}, 20),  # until its `not_after`: the day is used up
        ({"schedule": {"zone": "UTC", "end": "2026-12-02T01:00"}}, {"gap": 20000.0}, 10),  # or the campaign's end
        ({"schedule": {"zone": "UTC", "windows": {"tue": "15:00-16:00"}}}, {"gap": 2000.0}, 20),  # no window is left
        ({"frequency": {"per_number": "1/7d"}, "retry": {"max_attempts": 2, "no_answer": "1m"}}, {}, 20),  # the cap
    ],
)
def test_who_waits_in_vain_keeps_the_campaign_from_its_end(written, limits, hours):
    silent = telling(((Outcome.NO_ANSWER, 5.0), (Outcome.NO_ANSWER, 5.0)))
    done = replayed(written, 3, odds=silent, not_after=TUESDAY.timestamp() + 20 * 3600, **limits)
    assert took(done) == hours * 3600


def test_the_campaigns_budget_day_is_kept_to_as_well():
    done = replayed({}, 25, budget_day_calls=10, budget_day_ends=100.0)
    moments = [at - TUESDAY.timestamp() for at in done.first_at]
    assert (moments[10], moments[20]) == (100.0, 100.0 + 86400)


THREE_A_DAY = {"numbers": ["+18005550100", "+18005550101"], "per_day": 3}


@pytest.mark.parametrize(
    ("shown", "today"),
    [
        (lambda _place: ((0, 1),), 5),  # in turns: two share the first number
        (lambda place: ((place % 2,),), 5),  # two of one area
        (lambda _place: ((0,), (1,)), 3),  # three of one area, where the country has another number, too
        (lambda _place: ((1,),), 3),
    ],
)
def test_who_is_called_again_waits_for_the_own_number(shown, today):
    """Three contacts are called twice: as often as their own numbers may, whatever is left of another."""
    silent = telling(((Outcome.NO_ANSWER, 5.0), (Outcome.NO_ANSWER, 5.0)))
    written = {"caller_id": THREE_A_DAY, "retry": {"max_attempts": 2, "no_answer": "1m"}}
    done = replayed(written, 3, odds=silent, shown=shown, budget_day_calls=6, budget_day_ends=3600.0)
    first_day = sum(calls for slot, calls in done.by_slot.items() if slot * SLOT < TUESDAY.timestamp() + 3600)
    assert (first_day, done.calls) == (today, 6)


def test_a_budget_used_up_leaves_the_others_uncalled():
    done = replayed({}, 30, budget_calls=12)
    assert (done.calls, sum(map(math.isinf, done.first_at))) == (12, 18)
    assert took(done) == pytest.approx(11 * 0.1 + 5, abs=0.01)


def test_a_budget_used_up_is_the_end_whoever_waits():
    capped = {"frequency": {"per_number": "1/7d"}, "retry": {"max_attempts": 2, "no_answer": "1s"}}
    silent = telling(((Outcome.NO_ANSWER, 5.0), (Outcome.NO_ANSWER, 5.0)))
    done = replayed(capped, 30, odds=silent, last={0: 20 * 3600.0}, budget_calls=12, gap=10.0)
    assert math.inf in done.first_at
    assert done.waited_until > 0, "the first waits for its cap, in vain"
    assert took(done) == pytest.approx(11 * 10 + 5, abs=0.01)


def test_other_campaigns_of_the_account_have_their_part_until_they_are_through():
    alone = replayed({}, 100, gap=0.0, account_gap=0.1)
    beside = replayed({}, 100, gap=0.0, account_gap=0.1, other_calls=50, other_weight=1.0)
    assert took(beside) - took(alone) == pytest.approx(50 * 0.1, abs=0.3)
    ours = [at - TUESDAY.timestamp() for at in beside.first_at]
    assert ours[10] == pytest.approx(2.0, abs=0.1), "every other token is theirs"
    slower = replayed({}, 100, gap=0.4, account_gap=0.1, other_calls=50, other_weight=1.0)
    assert took(slower) == pytest.approx(99 * 0.4 + 5, abs=0.3), "what we leave they have"


def test_all_wait_until_the_canarys_calls_have_ended():
    written = {"canary": {"contacts": 5, "wait": "10m", "reached": 0.5}}
    done = replayed(written, 20, tick=1.0)
    moments = [at - TUESDAY.timestamp() for at in done.first_at]
    assert (moments[4], moments[5]) == pytest.approx((1.4, 7.0), abs=0.01)
    assert done.canary_reached == 5
    silent = telling(((Outcome.NO_ANSWER, 900.0),))
    late = replayed(written, 20, odds=silent, tick=1.0)
    assert late.first_at[5] - TUESDAY.timestamp() == pytest.approx(602.0, abs=0.01), "no longer than its wait"
    assert late.canary_reached == 0


def test_nobody_is_called_again_before_the_canary_is_decided():
    busy = telling(((Outcome.BUSY, 2.0), (Outcome.ANSWERED, 5.0)))
    written = {"canary": {"contacts": 5, "reached": 0}, "retry": {"max_attempts": 2, "busy": ["3s"]}}
    slow = replayed(written, 8, odds=busy, gap=10.0, tick=1.0)
    moments = [at - TUESDAY.timestamp() for at in slow.first_at]
    assert moments[:5] == [1.0, 11.0, 21.0, 31.0, 41.0], "the first are called one after another"
    assert (slow.canary_reached, slow.reached) == (0, 8), "none of the five was reached by then"
    assert moments[5] == 51.0 + 5 * 10, "and all five are called again before the sixth"


def test_a_list_shorter_than_its_canary_has_none():
    busy = telling(((Outcome.BUSY, 2.0), (Outcome.ANSWERED, 5.0)))
    retry = {"retry": {"max_attempts": 2, "busy": ["3s"]}}
    short = replayed({"canary": {"contacts": 5}} | retry, 4, odds=busy)
    assert (short.canary_reached, short.reached, short.calls) == (None, 4, 8)


def test_a_canary_that_is_never_full_holds_nobody_for_ever():
    """Some expire before they are called: then those who wait for another try are too few to be held."""
    busy = telling(((Outcome.BUSY, 2.0), (Outcome.ANSWERED, 5.0)))
    written = {"canary": {"contacts": 5}, "retry": {"max_attempts": 2, "busy": ["3s"]}}
    done = replayed(written, 6, odds=busy, last={3: 0.0, 4: 0.0})
    assert (done.canary_reached, done.reached, done.calls) == (None, 4, 8)


def test_who_waits_for_another_try_goes_before_the_rest_of_the_list():
    """As a campaign claims: else a plan calls people that the campaign no longer comes to."""
    busy = telling(((Outcome.BUSY, 1.0), (Outcome.ANSWERED, 5.0)))
    done = replayed({"retry": {"max_attempts": 2, "busy": ["2s"]}}, 10, odds=busy, gap=1.0)
    moments = [at - TUESDAY.timestamp() for at in done.first_at]
    assert moments[:5] == [0.0, 1.0, 2.0, 6.0, 7.0], "at 3, 4 and 5 the first three are called again"


def test_calls_that_end_between_two_looks_are_over_with_the_next():
    """And all with the same look: three calls wait for one, not each for its own."""
    ends = [took(replayed({}, 3, poll_interval=3.0, seed=seed)) for seed in range(30)]
    assert all(5.2 <= end < 8.2 for end in ends)
    assert max(ends) - min(ends) > 2, "where the looks fall is chance"
    both = replayed({"concurrency": 1}, 2, concurrency=1, poll_interval=3.0, seed=4)
    first, second = (at - TUESDAY.timestamp() for at in both.first_at)
    assert (took(both) - second) % 3 == pytest.approx(0, abs=1e-3), "the line is free when a look has shown it"
    assert second - first >= 5


def test_what_looks_have_taught_was_over_up_to_a_look_earlier():
    odds = OutcomeModel(
        first=ALL_ANSWER.first, later=ALL_ANSWER.later, durations={Outcome.ANSWERED: [9.0]}, poll_interval=3.0, calls=50
    )
    ends = [took(replayed({}, 1, odds=odds, seed=seed)) for seed in range(50)]
    assert all(6.0 <= end <= 9.0 for end in ends)
    assert sum(ends) / 50 == pytest.approx(7.5, abs=0.5)
