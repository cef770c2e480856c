"""What is sent in a provider's window, of its limit: with failures, other clients, killed workers, a lost Redis."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.pool import Pool

from benchmarks.redis_server import RedisServer
from benchmarks.subjects.bucket.crowd import asked
from benchmarks.subjects.bucket.limiters import EVERYONE, OURS, Limiter, Task, made, name
from benchmarks.subjects.bucket.vendor import Outsider, Vendor
from dialer.bucket import BucketUnavailable, connect

Cells = dict[str, str]
LIMIT, SECONDS, PACE, THREADS = 250, 5.0, 100, 4
LONG_LIMIT, LONG_SECONDS = 500, 10.0  # an outsider's last point of a window is a chance refusal: fewer windows, fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One process: four threads that send as fast as they are allowed to."""

    kind: str
    task: Task
    vendor: Vendor
    seconds: float
    fails: float = 0.0
    dies: float = 0.0


def with_failures(pool: Pool, server: RedisServer, judge: RedisServer) -> dict[str, Cells]:
    """Refusals and use of the points while 15 % of the requests fail uncharged and another client takes a tenth."""
    rows: dict[str, Cells] = {"refused": {}, "used": {}, "used, dying": {}}
    for kind in EVERYONE:
        refused, used = _run(pool, server, judge, kind, fails=0.15)
        rows["refused"][kind], rows["used"][kind] = refused, used
    rows["used, dying"][OURS] = _run(pool, server, judge, OURS, fails=0.15, dies=0.10)[1]
    return rows


def _run(
    pool: Pool, server: RedisServer, judge: RedisServer, kind: str, *, fails: float, dies: float = 0.0
) -> tuple[str, str]:
    vendor, url = _fresh(server, judge, LONG_LIMIT, LONG_SECONDS)
    outsider = Outsider(vendor, LONG_LIMIT / LONG_SECONDS / 10)
    outsider.start()
    task = Task(
        url=url,
        window=(LONG_LIMIT, LONG_SECONDS),
        rate=PACE,
        metered=kind == OURS,
        lease=2.0 if dies else 6.0,
    )
    since = time.time()
    sender = Sender(kind=kind, task=task, vendor=vendor, seconds=3.5 * LONG_SECONDS, fails=fails, dies=dies)
    pool.map(_send, [sender] * 8, chunksize=1)
    outsider.stop()
    windows = vendor.windows(since, time.time())
    sent = sum(one.get("ours", 0) for one in windows)
    refused = sum(one.get("refused ours", 0) for one in windows) / max(1, sent)
    return f"{refused:.2%}", f"{sum(one.get('used', 0) for one in windows) / (LONG_LIMIT * len(windows)):.0%}"


def restarted(pool: Pool, server: RedisServer, judge: RedisServer) -> dict[str, Cells]:
    """A hundred a second and 250 in five: the most sent in any window; then Redis dies within one and is back empty."""
    rows: dict[str, Cells] = {"any window": {}, "restart window": {}, "refused": {}}
    for kind in EVERYONE:
        vendor, url = _fresh(server, judge)
        since = time.time()
        task = Task(url=url, window=(LIMIT, SECONDS), rate=PACE, metered=kind == OURS, lease=3.0)
        sender = Sender(kind=kind, task=task, vendor=vendor, seconds=4 * SECONDS)
        running = pool.map_async(_send, [sender] * 8, chunksize=1)
        killed = vendor.phase + SECONDS * (int((since + 2 * SECONDS - vendor.phase) // SECONDS) + 0.4)
        time.sleep(max(0.0, killed - time.time()))
        server.kill()
        time.sleep(0.3)
        server.start()
        running.get()
        windows = vendor.windows(since, time.time())
        struck = int((killed - vendor.phase) // SECONDS) - int((since - vendor.phase) // SECONDS) - 1
        calm = [one.get("ours", 0) for number, one in enumerate(windows) if number < struck]
        rows["any window"][kind] = f"{max(calm, default=0) / LIMIT:.0%}"
        rows["restart window"][kind] = f"{windows[struck].get('ours', 0) / LIMIT:.0%}"
        rows["refused"][kind] = str(windows[struck].get("refused ours", 0))
    return rows


def _fresh(server: RedisServer, judge: RedisServer, limit: int = LIMIT, seconds: float = SECONDS) -> tuple[Vendor, str]:
    for one in (server, judge):
        client = connect(one.url)
        client.flushall()
        client.close()
    return Vendor(url=judge.url, limit=limit, seconds=seconds, phase=random.uniform(0, seconds)), server.url


def _send(sender: Sender) -> None:
    limiter = made(sender.kind, sender.task)
    until = time.monotonic() + sender.seconds
    threads = [threading.Thread(target=_one_thread, args=(sender, limiter, until)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _one_thread(sender: Sender, limiter: Limiter, until: float) -> None:
    line, rng, mine = sender.vendor.open(), random.Random(), name()
    while time.monotonic() < until:
        granted, wait = asked(limiter, mine)
        time.sleep(min(wait, max(0.0, until - time.monotonic())))
        if not granted:
            continue
        mine, granted_as = name(), mine
        if rng.random() < sender.dies:
            continue
        time.sleep(rng.uniform(0.02, 0.08))
        charged, meter = line.request(succeeds=rng.random() >= sender.fails)
        time.sleep(rng.uniform(0.02, 0.08))
        with suppress(BucketUnavailable):
            limiter.settle(granted_as, charged=charged, meter=meter)
