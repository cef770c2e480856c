"""Beat's ticks come on, whatever is done to the clocks, and do not pile up while nobody takes them."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from celery import Celery

from dialer import log_setup
from dialer.seldom import Seldom
from workers import beat as beats
from workers.beat import MAX_QUEUED_TICKS, TICKS, Beat, Tick

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


def tick(now: datetime = NOW) -> Tick:
    return Tick(1.0, nowfun=lambda: now, app=Celery("clock", set_as_current=False))


@pytest.mark.parametrize(("ago", "due"), [(0.4, False), (1.0, True), (3600, True), (-0.5, True), (-3600, True)])
def test_a_tick_is_due_at_its_interval_and_at_once_when_the_clock_was_set_back(ago, due):
    state = tick().is_due(NOW - timedelta(seconds=ago))
    assert state.is_due is due
    assert 0 < state.next <= 1.0


@pytest.fixture
def app(redis_url: str, buckets: redis.Redis) -> Celery:
    made = Celery("beat-test", broker=redis_url, set_as_current=False)
    made.conf.update(
        task_default_queue=TICKS,
        beat_schedule={"release": {"task": "some.tick", "schedule": Tick(0.01)}},
    )
    return made


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(hours=-2), timedelta(seconds=-1), timedelta(days=-40)])
def test_ticks_of_every_kind_come_on_when_the_clock_is_set(app, buckets, jump):
    app.conf.beat_schedule = {name: {"task": name, "schedule": Tick(0.5)} for name in ("release", "sweep", "look")}
    beat = Beat(app, max_interval=0.01)
    with time_machine.travel(NOW, tick=False):
        sent = ticks_sent(beat, buckets)
    assert sent == {"release", "sweep", "look"}
    with time_machine.travel(NOW + jump, tick=False):
        assert ticks_sent(beat, buckets) == sent
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        assert ticks_sent(beat, buckets) == sent
    beat.close()


def ticks_sent(beat: Beat, buckets: redis.Redis, times: int = 8) -> set[str]:
    """The tasks of the ticks that it sends when it is asked some times; none of them is left in the queue."""
    for _ in range(times):
        beat.tick()
    sent = [json.loads(message)["headers"]["task"] for message in buckets.lrange(TICKS, 0, -1)]
    buckets.delete(TICKS)
    return set(sent)


def test_it_sleeps_until_a_tick_is_due(app, buckets):
    app.conf.beat_schedule = {name: {"task": name, "schedule": Tick(1.0)} for name in ("release", "sweep")}
    beat = Beat(app, max_interval=0.5)
    with time_machine.travel(NOW, tick=False):
        ticks_sent(beat, buckets)
    for left in (0.009, 0.001):
        with time_machine.travel(NOW + timedelta(seconds=1 - left), tick=False):
            began = time.monotonic()
            sleeps = beat.tick()
            assert left - (time.monotonic() - began) <= sleeps <= left + 1e-6, "what the look itself took is taken off"
    with time_machine.travel(NOW + timedelta(seconds=1), tick=False):
        assert ticks_sent(beat, buckets, times=1) == {"release", "sweep"}, "it wakes once for all"
    beat.close()


def test_ticks_that_nobody_takes_do_not_pile_up(app, buckets):
    beat = Beat(app, max_interval=0.01)
    entry = beat.schedule["release"]
    for _ in range(50):
        beat.apply_entry(entry, producer=beat.producer)
    assert buckets.llen(TICKS) == MAX_QUEUED_TICKS
    buckets.ltrim(TICKS, 4, -1)  # some are taken
    for _ in range(50):
        beat.apply_entry(entry, producer=beat.producer)
    beat.close()
    assert buckets.llen(TICKS) == MAX_QUEUED_TICKS


def test_the_broker_is_asked_what_waits_once_for_as_many_ticks_as_may_wait(app, buckets):
    beat = Beat(app, max_interval=0.01)
    entry, rounds = beat.schedule["release"], 4
    buckets.config_resetstat()
    for _ in range(rounds):
        for _ in range(MAX_QUEUED_TICKS):
            beat.apply_entry(entry, producer=beat.producer)
        assert buckets.llen(TICKS) == MAX_QUEUED_TICKS
        buckets.delete(TICKS)
    beat.close()
    asked = buckets.info("commandstats")["cmdstat_llen"]["calls"] - rounds  # which the test has asked
    assert asked == rounds


@pytest.mark.parametrize("refusal", [("maxmemory", 1), ("min-replicas-to-write", 1)], ids=lambda one: one[0])
def test_a_broker_that_takes_no_ticks_ends_no_beat_and_is_told_once(app, buckets, refusal, capfd, monkeypatch):
    monkeypatch.setattr(beats, "_named", Seldom())
    log_setup.set_up()
    beat = Beat(app, max_interval=0.01)
    entry = beat.schedule["release"]
    buckets.config_set(*refusal)
    try:
        for _ in range(5):
            beat.apply_entry(entry, producer=beat.producer)
    finally:
        buckets.config_set(refusal[0], 0)
    beat.apply_entry(entry, producer=beat.producer)
    beat.close()
    assert buckets.llen(TICKS) == 1, "it goes on by itself"
    assert capfd.readouterr().err.count("the broker takes no ticks") == 1
