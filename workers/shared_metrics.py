"""Metrics of every process, shown through Redis: any console serves those of all.

Each process writes what it has counted under a key of its own, which ends soon after the process; a label names the
process, so that Prometheus sees when one begins anew. Nothing is added up in Redis: emptied, it has all again at once.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any, Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from redis.exceptions import RedisError

from dialer.metrics import REGISTRY
from workers.ledger import now_utc, possible_times
from workers.settings import Settings
from workers.wiring import redis_address

Kind = Literal["beat", "console", "flower", "worker"]
Text = Mapping[str, tuple[str, str]]  # by metric: the lines that describe it, and its samples

EVERY_SECONDS, KEPT_MS = 5.0, 20_000
REDIS_SECONDS = 1.0
PROCESSES = "dialer:metrics"  # the set of names; the key of each is this, a colon and its name
A_METRIC = re.compile(r"^(?=# HELP )", re.MULTILINE)


class SharedMetrics:
    """The metrics of this process, and those that the others show. Safe to use from many threads."""

    def __init__(self, settings: Settings, kind: Kind, registries: Sequence[CollectorRegistry] = ()) -> None:
        self.process = f"{kind}@{socket.gethostname()}-{os.getpid()}"
        self.about = ProcessMetrics(settings, kind)
        own = CollectorRegistry()
        own.register(self.about)
        ProcessCollector(registry=own)
        self.registries = (own, REGISTRY, *registries)
        self._server = redis_address(settings).client(timeout=REDIS_SECONDS)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> SharedMetrics:
        """Show this process's metrics from now on, on a thread of its own."""
        self._thread = threading.Thread(target=self._work, name="shared-metrics", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Show the last figures, which stay for `KEPT_MS`, and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._server.close()

    def of_all(self) -> tuple[Text, list[str]]:
        """The metrics of all processes, and the names of these; where Redis does not answer, of this one alone."""
        own = self._text()
        try:
            self._publish(own)
            texts = self._others()
        except RedisError:
            texts = {}
        texts[self.process] = own
        return _merged(texts.values()), sorted(texts)

    def _work(self) -> None:
        self._show()
        while not self._stopping.wait(EVERY_SECONDS):
            self._show()
        self._show()

    def _show(self) -> None:
        with suppress(RedisError):  # that it is away is told elsewhere
            self._publish(self._text())

    def _publish(self, text: Text) -> None:
        packed = zlib.compress(json.dumps(text).encode(), level=1)
        with self._server.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.set(f"{PROCESSES}:{self.process}", packed, px=KEPT_MS)
            pipe.sadd(PROCESSES, self.process)
            seconds, micros = pipe.execute()[0]
        self.about.clock_offset = now_utc().timestamp() - (seconds + micros / 1e6)

    def _others(self) -> dict[str, Text]:
        names = [_decoded(name) for name in self._server.smembers(PROCESSES)]
        others = [name for name in names if name != self.process]
        packed: list[Any] = self._server.mget([f"{PROCESSES}:{name}" for name in others]) if others else []
        if gone := [name for name, text in zip(others, packed, strict=True) if text is None]:
            self._server.srem(PROCESSES, *gone)
        return {
            name: json.loads(zlib.decompress(text))
            for name, text in zip(others, packed, strict=True)
            if text is not None
        }

    def _text(self) -> Text:
        metrics: dict[str, tuple[str, str]] = {}
        for registry in self.registries:
            text = generate_latest(_Named(registry, self.process)).decode()
            for block in A_METRIC.split(text)[1:]:
                help_line, type_line, samples = block.split("\n", 2)
                metrics[help_line.split(" ", 3)[2]] = (f"{help_line}\n{type_line}\n", samples)
        return metrics


class ProcessMetrics(Collector):
    """What is to be known of the process itself: its program, the disk of its data folder, its clock."""

    def __init__(self, settings: Settings, kind: Kind) -> None:
        self._folder = settings.data_dir
        self._build = (kind, version("campaign-dialer"), platform.python_version())
        self.clock_offset: float | None = None  # seconds by which it is ahead of Redis's, when that was asked last

    def collect(self) -> Iterator[Metric]:
        """The metrics, for the registry."""
        build = GaugeMetricFamily(
            "dialer_build_info", "1 for every process that runs.", labels=("kind", "version", "python")
        )
        build.add_metric(self._build, 1)
        yield build
        free = GaugeMetricFamily("dialer_disk_free_bytes", "Room on the disk of the data folder.")
        size = GaugeMetricFamily("dialer_disk_size_bytes", "The size of that disk.")
        with suppress(OSError):
            disk = shutil.disk_usage(self._folder)
            free.add_metric((), disk.free)
            size.add_metric((), disk.total)
        yield from (free, size)
        moments = possible_times()
        jump = abs((moments[-1] - moments[0]).total_seconds())
        yield GaugeMetricFamily(
            "dialer_clock_set_seconds", "By how much the clock was set while the process runs; 0: it was not.", jump
        )
        ahead = GaugeMetricFamily(
            "dialer_clock_ahead_seconds", "By how much the clock is ahead of Redis's; of one behind, below 0."
        )
        if self.clock_offset is not None:
            ahead.add_metric((), self.clock_offset)
        yield ahead


class _Named:
    """The metrics of a registry, with a label that names the process."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._registry = registry
        self._label = {"process": process}

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            named = Metric(family.name, family.documentation, family.type)
            named.samples = [_labelled(sample, self._label) for sample in family.samples]
            yield named


def _labelled(sample: Sample, label: Mapping[str, str]) -> Sample:
    return sample._replace(labels={**sample.labels, **label})


def _merged(texts: Iterable[Text]) -> Text:
    """All samples of a metric together, whichever process they are of."""
    merged: dict[str, tuple[str, str]] = {}
    for text in texts:
        for name, (described, samples) in text.items():
            merged[name] = (described, merged[name][1] + samples if name in merged else samples)
    return merged


def _decoded(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
