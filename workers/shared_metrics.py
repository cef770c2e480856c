"""Metrics of every process, shown through Redis: any console serves those of all.

Each process writes what it has counted under a key of its own, which ends soon after the process; whoever serves it
adds a label that names the process, so that Prometheus sees when one begins anew. Nothing is added up in Redis:
emptied, it has all again at once.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any, Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from dialer.metrics import REGISTRY
from workers.clock import now_utc, possible_times
from workers.metrics_text import MetricsText, Text
from workers.settings import Settings

Kind = Literal["beat", "console", "flower", "worker"]

EVERY_SECONDS, KEPT_PERIODS = 5.0, 4
MOST_OF_A_CORE = 0.015  # what it may take to show one's metrics, however many series there are: it is done less often
REDIS_SECONDS = 1.0
PROCESSES = "dialer:series"  # the set of names; the key of each is this, a colon and its name
A_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{| )", re.MULTILINE)  # its name, and what begins its labels, or none


class SharedMetrics:
    """The metrics of this process, and those that the others show. Safe to use from many threads."""

    def __init__(self, settings: Settings, kind: Kind, registries: Sequence[CollectorRegistry] = ()) -> None:
        self.process = f"{kind}@{socket.gethostname()}-{os.getpid()}"
        self.about = ProcessMetrics(settings, kind)
        own = CollectorRegistry()
        own.register(self.about)
        ProcessCollector(registry=own)
        self.registries = (own, REGISTRY, *registries)
        self._server = settings.redis_address.client(timeout=REDIS_SECONDS)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._pause = EVERY_SECONDS
        self._text, self._text_lock = MetricsText(self.registries), threading.Lock()

    def start(self) -> SharedMetrics:
        """Show this process's metrics from now on, on a thread of its own."""
        self._thread = threading.Thread(target=self._work, name="shared-metrics", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Show the last figures, which stay for some periods more, and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._server.close()

    def of_all(self) -> tuple[Text, list[str]]:
        """The metrics of all processes, and the names of these; where Redis does not answer, of this one alone."""
        own = self._own()
        try:
            self._publish(_packed(own), self._pause)
            texts = self._others()
        except RedisError:
            texts = {}
        texts[self.process] = own
        return _merged(texts), sorted(texts)

    def _work(self) -> None:
        self._show()
        while not self._stopping.wait(self._pause):
            self._show()
        self._show()

    def _show(self) -> None:
        began = time.thread_time()
        packed = _packed(self._own())
        self._pause = pause_after(time.thread_time() - began)
        with suppress(RedisError):  # that it is away is told elsewhere
            self._publish(packed, self._pause)

    def _publish(self, packed: bytes, pause: float) -> None:
        with self._server.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.set(f"{PROCESSES}:{self.process}", packed, px=int(KEPT_PERIODS * pause * 1000))
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

    def _own(self) -> Text:
        with self._text_lock:
            return self._text.now()


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


def pause_after(seconds: float) -> float:
    """Seconds until a process shows its metrics again, where that took so many of its processor."""
    return max(EVERY_SECONDS, seconds / MOST_OF_A_CORE)


def _packed(text: Text) -> bytes:
    return zlib.compress(json.dumps(text).encode(), level=1)


def _merged(texts: Mapping[str, Text]) -> Text:
    """All samples of a metric together, each with a label that names its process."""
    merged: dict[str, tuple[str, str]] = {}
    for process, text in texts.items():
        for name, (described, samples) in text.items():
            named = _named(samples, process)
            merged[name] = (described, merged[name][1] + named if name in merged else named)
    return merged


def _named(samples: str, process: str) -> str:
    """The samples as they were written, with one label more."""
    label = f'process="{process}"'

    def with_label(begins: re.Match[str]) -> str:
        return f"{begins[1]}{{{label}," if begins[0].endswith("{") else f"{begins[1]}{{{label}}} "

    return A_SAMPLE.sub(with_label, samples)


def _decoded(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
