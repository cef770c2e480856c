"""The text of metrics: what prometheus_client itself would write, of which only what has changed is written anew."""

from __future__ import annotations

from random import Random

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from workers.metrics_text import MetricsText

BUCKETS = (0.1, 1.0)
SAMPLES_OF_A_TIMER = len((*BUCKETS, "+Inf", "count", "sum"))
ACCOUNTS = 100
ODD = 'a "name" {with}\nsigns\\, and \u2028 a line separator'


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def whole(text: MetricsText) -> str:
    return "".join(described + samples for described, samples in text.now().values())


def test_it_is_always_what_the_library_writes(registry, rng):
    calls = Counter("calls", "Calls.", ("account", "outcome"), registry=registry)
    seconds = Histogram("seconds", "How long.", ("account",), buckets=BUCKETS, registry=registry)
    left = Gauge("left", "What is left\nof it.", registry=registry)
    text = MetricsText((registry,))
    assert whole(text) == generate_latest(registry).decode()
    for _turn in range(60):
        name = rng.choice(["main", "spare", ODD])
        change = rng.randrange(5)
        if change == 0:
            calls.labels(name, rng.choice(["answered", "busy"])).inc()
        elif change == 1:
            seconds.labels(name).observe(rng.random() * 2)
        elif change == 2:
            left.set(rng.choice([0.5, float("inf"), float("nan")]))
        elif change == 3:
            calls.remove(name, "busy")
        assert whole(text) == generate_latest(registry).decode()


def test_what_has_not_changed_is_not_written_again(registry):
    seconds = Histogram("seconds", "How long.", ("account",), buckets=BUCKETS, registry=registry)
    for number in range(ACCOUNTS):
        seconds.labels(f"account{number}").observe(0.5)
    text = MetricsText((registry,))
    text.now()
    assert text.written == ACCOUNTS * SAMPLES_OF_A_TIMER
    text.now()
    assert text.written == ACCOUNTS * SAMPLES_OF_A_TIMER, "nothing was counted meanwhile"
    seconds.labels("account7").observe(0.01)
    text.now()
    assert text.written <= (ACCOUNTS + 1) * SAMPLES_OF_A_TIMER, "those of one account alone"


@pytest.fixture
def rng() -> Random:
    return Random(7)
