"""Beat's ticks come on, whatever is done to the clocks, and do not pile up while nobody takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis
from celery import Celery

from dialer.seldom import Seldom
from workers import beat as beats
from workers import logs
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


@pytest.mark.parametrize("refusal", [("maxmemory", 1), ("min-replicas-to-write", 1)], ids=lambda one: one[0])
def test_a_broker_that_takes_no_ticks_ends_no_beat_and_is_told_once(app, buckets, refusal, capfd, monkeypatch):
    monkeypatch.setattr(beats, "_named", Seldom())
    logs.set_up()
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
