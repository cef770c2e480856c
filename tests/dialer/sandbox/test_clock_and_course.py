"""The clock may run at any speed and change it; a call's course is planned in its seconds."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from random import Random

import pytest

from dialer.sandbox.clock import Clock
from dialer.sandbox.course import Course, Outcome, message_seconds, plan
from dialer.sandbox.log import CallLog, PlacedCall
from dialer.sandbox.numbers import ReservedBehaviour


class Watch:
    """A monotonic clock that a test turns by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_clock_runs_faster_than_ours() -> None:
    watch = Watch()
    clock = Clock(60.0, watch)

    watch.seconds += 2.0

    assert clock.now() == pytest.approx(120.0)
    assert clock.wall(120.0) - clock.started == timedelta(seconds=2)
    assert clock.moment(clock.started + timedelta(seconds=10)) == pytest.approx(600.0)


def test_a_change_of_speed_moves_the_future_and_not_the_past() -> None:
    watch = Watch()
    clock = Clock(1.0, watch)
    watch.seconds += 10.0

    clock.run_at(100.0)
    watch.seconds += 1.0

    assert clock.now() == pytest.approx(110.0)
    assert (clock.wall(5.0) - clock.started).total_seconds() == pytest.approx(5.0)
    assert (clock.wall(110.0) - clock.started).total_seconds() == pytest.approx(11.0)
    assert clock.moment(clock.started + timedelta(seconds=5)) == pytest.approx(5.0)
    assert clock.moment(clock.started + timedelta(seconds=12)) == pytest.approx(210.0)


def test_a_sleeper_wakes_early_when_the_clock_is_made_faster() -> None:
    async def sleep() -> float:
        clock = Clock(1.0)
        began = time.monotonic()
        sleeper = asyncio.create_task(clock.sleep_until(3600.0))
        await asyncio.sleep(0.01)
        clock.run_at(100_000.0)
        await sleeper
        assert clock.now() >= 3600.0
        return time.monotonic() - began

    assert asyncio.run(sleep()) < 30


def course(behaviour: ReservedBehaviour, seed: int = 1, **changes: float) -> Course:
    given = {"placed": 100.0, "message": 8.0, "ring_timeout": 30.0} | changes
    return plan(behaviour, **given, rng=Random(seed))


@pytest.mark.parametrize("seed", range(20))
def test_courses_keep_to_their_times(seed: int) -> None:
    answered, busy = course(ReservedBehaviour.ANSWERS, seed), course(ReservedBehaviour.BUSY, seed)
    assert answered.answered is not None
    assert 102.0 <= answered.answered <= 106.0
    assert answered.ended - answered.answered == pytest.approx(8.0)
    assert 101.0 <= busy.ended <= 102.0
    assert course(ReservedBehaviour.NO_ANSWER, seed, ring_timeout=45.0).ended == pytest.approx(145.0)
    assert 102.0 <= course(ReservedBehaviour.REJECTED, seed).ended <= 106.0
    assert course(ReservedBehaviour.ANSWERS, seed) == answered


def test_a_call_that_rings_shorter_than_it_takes_to_answer_is_not_answered() -> None:
    assert course(ReservedBehaviour.ANSWERS, ring_timeout=1.0) == Course(
        placed=100.0, answered=None, ended=101.0, outcome=Outcome.NO_ANSWER
    )


@pytest.mark.parametrize(("length", "seconds"), [(1, 2.0), (28, 2.0), (140, 10.0), (1400, 100.0), (None, 8.0)])
def test_a_message_takes_its_time(length: int | None, seconds: float) -> None:
    assert message_seconds(length) == pytest.approx(seconds)


def placed(call_id: str, ended: float) -> PlacedCall:
    whole = Course(placed=0.0, answered=3.0, ended=ended, outcome=Outcome.ANSWERED)
    return PlacedCall(
        vendor="callgear",
        account="sandbox",
        call_id=call_id,
        correlation_id=None,
        to="+14155550101",
        caller="+18005550100",
        script="tts",
        text_length=5,
        course=whole,
    )


def test_the_log_forgets_the_oldest_when_it_is_full() -> None:
    log = CallLog(2)
    for n, call_id in enumerate("abc"):
        log.add(placed(call_id, ended=n + 10.0), now=0.0)

    assert [call.call_id for call in log] == ["b", "c"]
    assert log.find("a") is None
    assert [call.call_id for call in log.live(11.5)] == ["c"]
    assert log.live(12.0) == []


def test_a_call_released_while_it_talks_was_answered() -> None:
    log = CallLog(10)
    call = placed("a", ended=60.0)
    log.add(call, now=0.0)

    log.release(call, now=23.0)

    assert (call.course.outcome, call.course.seconds_talked) == (Outcome.ANSWERED, 20.0)
    assert log.live_one("a", now=23.0) is None
    assert log.find("a") is call
