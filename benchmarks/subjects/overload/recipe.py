"""One Celery task for each call, as in `benchmarks.naive`: a queue that is full before its worker starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks import naive
from benchmarks.redis_server import serving
from benchmarks.subjects.overload.sample import Sample, sample
from tests.support.processes import family
from tests.support.timed_vendor import TimedVendor

POOLS = {"prefork, 4": ("prefork", "4"), "threads, 32": ("threads", "32")}
QUEUED = 15_000
ROOT = Path(__file__).parents[3]


def placed_by_recipe(pool: str, vendor: TimedVendor, seconds: float) -> Sample:
    """How many calls a worker with this pool places."""
    kind, size = POOLS[pool]
    options = ["--pool", kind, "--concurrency", size, "--without-gossip", "--without-mingle"]
    with serving() as server:
        _queue(server.url, vendor.url)
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "benchmarks.naive", "worker", "-Q", "calls", *options],
            cwd=ROOT,
            env={**os.environ, "DIALER_REDIS__URL": server.url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return sample(vendor, lambda: family(worker.pid), seconds)
        finally:
            worker.kill()
            worker.wait()
            vendor.arrivals()


def _queue(redis_url: str, vendor_url: str) -> None:
    naive.app.conf.broker_url = redis_url
    with naive.app.connection_for_write() as connection, connection.Producer() as producer:
        for number in range(QUEUED):
            naive.call.apply_async((vendor_url, "webex", f"+1415555{100 + number % 100:04}"), producer=producer)
