"""How evenly, fairly and promptly a shared pace is granted."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from multiprocessing.pool import Pool

from benchmarks.redis_server import RedisServer
from benchmarks.subjects.bucket.crowd import Member, Tally, at, most_in, together
from benchmarks.subjects.bucket.limiters import EVERYONE, OURS, Task, made, name
from dialer.bucket import connect

Cells = dict[str, str]


def _emptied(server: RedisServer) -> str:
    client = connect(server.url)
    client.flushall()
    client.close()
    return server.url


def alone(pool: Pool, server: RedisServer, seconds: float = 5.0) -> dict[str, Cells]:
    """Eight processes at 200 a second: grants, the most of them in any interval, round trips for each grant."""
    rows: dict[str, Cells] = {"granted": {}, "most": {}, "trips": {}}
    for kind in EVERYONE:
        task = Task(url=_emptied(server), rate=200)
        tallies = together(pool, [Member(kind=kind, task=task, seconds=seconds)] * 8)
        moments = [moment for tally in tallies for moment in tally.grants]
        rows["granted"][kind] = f"{len(moments) / (200 * seconds):.0%}"
        rows["most"][kind] = f"{most_in(moments, 1.0)} / {most_in(moments, 0.1)}"
        rows["trips"][kind] = f"{sum(tally.calls for tally in tallies) / max(1, len(moments)):.1f}"
    return rows


def shares(pool: Pool, server: RedisServer, seconds: float = 5.0) -> dict[str, Cells]:
    """One process of campaign B beside seven of A, none pausing: B's share at equal weight, and at three times A's."""
    rows: dict[str, Cells] = {"equal": {}, "weight 3": {}}
    for row, weight, kinds in (("equal", 1.0, EVERYONE), ("weight 3", 3.0, (OURS,))):
        for kind in kinds:
            url = _emptied(server)
            large = Member(kind=kind, task=Task(url=url, rate=200, campaign="A"), seconds=seconds)
            small = Member(kind=kind, task=Task(url=url, rate=200, campaign="B", weight=weight), seconds=seconds)
            tallies = together(pool, [large] * 7 + [small])
            rows[row][kind] = f"{len(tallies[-1].grants) / max(1, sum(len(one.grants) for one in tallies)):.1%}"
    return rows


def small_beside_large(pool: Pool, server: RedisServer, seconds: float = 5.0) -> Cells:
    """B wants ten a second beside seven processes of A that ask without pause: how long it waits."""
    cells = {}
    for kind in EVERYONE:
        url = _emptied(server)
        large = Member(kind=kind, task=Task(url=url, rate=200, campaign="A"), seconds=seconds)
        small = Member(kind=kind, task=Task(url=url, rate=200, campaign="B"), seconds=seconds, wants=10)
        waits = together(pool, [large] * 7 + [small])[-1].waits
        cells[kind] = f"{at(0.95, waits) * 1000:.1f} / {max(waits, default=float('nan')) * 1000:.1f}"
    return cells


def beside_capped(pool: Pool, server: RedisServer, seconds: float = 5.0) -> Cells:
    """Campaign Y, four processes, beside four of X that has its own cap of one a second: what Y gets of the rest."""
    url = _emptied(server)
    capped = Member(kind=OURS, task=Task(url=url, rate=200, campaign="X", own_pace=1.0), seconds=seconds)
    free = Member(kind=OURS, task=Task(url=url, rate=200, campaign="Y"), seconds=seconds)
    tallies = together(pool, [capped] * 4 + [free] * 4)
    got = [sum(len(one.grants) for one in part) for part in (tallies[:4], tallies[4:])]
    return {OURS: f"X {got[0] / seconds:.1f}/s, Y {got[1] / (200 * seconds):.1%}"}


def lag(pool: Pool, server: RedisServer) -> Cells:
    """A batch of 152 calls at eight processes every two seconds, at 100 a second: lag behind the ideal schedule."""
    cells = {}
    moments = (0.0, 2.0, 4.0)
    for kind in EVERYONE:
        task = Task(url=_emptied(server), rate=100)
        member = Member(kind=kind, task=task, seconds=6.0, bursts=(19, moments))
        tallies = together(pool, [member] * 8)
        lags = [wait for number in range(len(moments)) for wait in _lags(tallies, number)]
        cells[kind] = f"{at(0.5, lags) * 1000:.1f} / {at(0.99, lags) * 1000:.1f}"
    return cells


def _lags(tallies: list[Tally], number: int) -> list[float]:
    """Of one batch: each grant against the same batch granted without delay, 10 ms apart, from its first burst on."""
    granted = sorted(moment for tally in tallies for moment in tally.grants[19 * number : 19 * (number + 1)])
    if not granted:
        return [float("inf")]
    at_once = sum(1 for moment in granted if moment - granted[0] < 0.004)
    ideal = [granted[0] + max(0, place - at_once + 1) * 0.01 for place in range(len(granted))]
    return [max(0.0, moment - due) for moment, due in zip(granted, ideal, strict=True)]


def skewed(pool: Pool, server: RedisServer, seconds: float = 4.0) -> Cells:
    """Four workers at 200 a second, two with clocks half a second ahead: grants of the ideal, most in a second."""
    cells = {}
    for kind in EVERYONE:
        url = _emptied(server)
        ahead = Member(kind=kind, task=Task(url=url, rate=200, skew=0.5), seconds=seconds)
        right = Member(kind=kind, task=Task(url=url, rate=200), seconds=seconds)
        tallies = together(pool, [ahead, ahead, right, right])
        moments = [moment for tally in tallies for moment in tally.grants]
        cells[kind] = f"{len(moments) / (200 * seconds):.0%} / {most_in(moments, 1.0)}"
    return cells


def dead_waiters(server: RedisServer) -> Cells:
    """Three of eight waiting processes are killed, at 20 a second: the longest gap afterwards."""
    url = _emptied(server)
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    workers = [spawn.Process(target=_greedy, args=(url, 6.0, out)) for _ in range(8)]
    for worker in workers:
        worker.start()
    time.sleep(3.5)
    killed = time.time()
    for worker in workers[:3]:
        os.kill(worker.pid or 0, signal.SIGKILL)
    moments = sorted(moment for _ in workers[3:] for moment in out.get() if moment > killed - 0.2)
    for worker in workers:
        worker.join()
    gaps = [later - sooner for sooner, later in itertools.pairwise(moments)]
    return {OURS: f"{max(gaps):.2f} s"}


def _greedy(url: str, seconds: float, out: object) -> None:
    limiter, grants = made(OURS, Task(url=url, rate=20)), []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        mine, granted = name(), False
        while not granted and time.monotonic() < until:
            granted, wait = limiter.ask(mine)
            time.sleep(wait)
        if granted:
            grants.append(time.time())
    out.put(grants)  # type: ignore[attr-defined]
