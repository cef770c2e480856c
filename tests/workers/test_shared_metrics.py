"""Metrics of every process, served by any console."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from dialer.bucket import connect
from workers.settings import Settings
from workers.settings_sections import RedisSettings
from workers.shared_metrics import EVERY_SECONDS, MOST_OF_A_CORE, SharedMetrics, pause_after

AWAY = "redis://127.0.0.1:1/0"


class Process:
    """A process that has counted something."""

    def __init__(self, tmp_path, redis_url, kind, name):
        self.registry = CollectorRegistry()
        self.counted = Counter("things", "Things.", ("kind",), registry=self.registry)
        settings = Settings(data_dir=tmp_path, redis=RedisSettings(url=SecretStr(redis_url)))
        self.metrics = SharedMetrics(settings, kind, (self.registry,))
        self.metrics.process = name

    def things(self) -> dict[str, float]:
        return {one.labels["process"]: one.value for one in self.samples("things_total")}

    def names(self) -> set[str]:
        """The kinds of things as they are served, whatever stands in them."""
        return {one.labels["kind"] for one in self.samples("things_total")}

    def samples(self, name):
        metrics, _ = self.metrics.of_all()
        text = "".join(described + samples for described, samples in metrics.values())
        assert text.count("# TYPE things_total counter") <= 1, "Prometheus reads one description of a metric"
        return [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]


@pytest.fixture
def two(tmp_path, redis_url):
    console, worker = (
        Process(tmp_path, redis_url, kind, f"{kind}@here-{number}")
        for number, kind in enumerate(("console", "worker"), start=1)
    )
    yield console, worker
    console.metrics.close()
    worker.metrics.close()


def test_a_console_serves_what_another_process_counts(two):
    console, worker = two
    worker.counted.labels("a").inc(3)
    console.counted.labels("a").inc()
    for _turn in range(2):
        worker.metrics.of_all()
    assert console.things() == {"console@here-1": 1, "worker@here-2": 3}
    kinds = {one.labels["process"]: one.labels["kind"] for one in console.samples("dialer_build_info")}
    assert kinds == {"console@here-1": "console", "worker@here-2": "worker"}
    assert {one.labels["process"] for one in console.samples("process_cpu_seconds_total")} == set(kinds)
    (ahead,) = (
        one for one in console.samples("dialer_clock_ahead_seconds") if one.labels["process"] == "worker@here-2"
    )
    assert abs(ahead.value) < 5


def test_an_emptied_redis_has_all_again_at_the_next_turn(two, redis_url):
    console, worker = two
    worker.counted.labels("a").inc(3)
    worker.metrics.of_all()
    with connect(redis_url) as server:
        server.flushall()
    assert console.things() == {}
    worker.metrics.of_all()
    assert console.things() == {"worker@here-2": 3}


def test_a_process_that_ended_is_served_no_more(two, redis_url):
    console, worker = two
    worker.metrics.of_all()
    with connect(redis_url) as server:
        assert 0 < server.pttl("dialer:series:worker@here-2") <= 20_000
        server.delete("dialer:series:worker@here-2")
        assert console.metrics.of_all()[1] == ["console@here-1"]
        assert server.smembers("dialer:series") == {"console@here-1"}


def test_without_redis_a_console_serves_its_own(tmp_path):
    console = Process(tmp_path, AWAY, "console", "console@here-1")
    console.counted.labels("a").inc()
    assert console.things() == {"console@here-1": 1}
    console.metrics.close()


def test_a_process_shows_itself_as_long_as_it_runs(two):
    console, worker = two
    worker.metrics.start()
    worker.metrics.close()  # which waits for the last figures
    assert console.metrics.of_all()[1] == ["console@here-1", "worker@here-2"]


def test_a_label_that_looks_like_another_sample_is_served_as_it_is(two):
    console, worker = two
    for name in (odd := {'things_total{kind="x"} 1', "a\nthings_total 2", "", "} 5"}):
        worker.counted.labels(name).inc()
    worker.metrics.of_all()
    assert console.names() == odd
    assert console.things() == {"worker@here-2": 1}


def test_processes_with_very_many_series_show_them_less_often():
    assert pause_after(0.0) == pause_after(EVERY_SECONDS * MOST_OF_A_CORE / 2) == EVERY_SECONDS
    costly = 10 * EVERY_SECONDS * MOST_OF_A_CORE
    assert costly / pause_after(costly) == pytest.approx(MOST_OF_A_CORE)
