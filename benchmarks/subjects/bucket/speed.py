"""Decisions a second, beside an empty script; and what a lost answer costs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.pool import Pool
from typing import Any

from benchmarks.redis_server import RedisServer
from benchmarks.subjects.bucket.crowd import at
from benchmarks.subjects.bucket.limiters import LIBRARIES, OURS, Task, made, name
from dialer.bucket import CampaignLimits, Limits, TokenBucket, connect
from dialer.verdicts import Meter

Cells = dict[str, str]
FLOOR = "EVALSHA floor"
BY_TENS = "ours, ten calls in one turn"
PLENTY = 10**9


def decisions(pool: Pool, server: RedisServer, seconds: float = 2.0) -> dict[str, Cells]:
    """As fast as possible, all granted: two limits for the libraries, five for ours, an empty script as the floor."""
    rows: dict[str, Cells] = {"4 processes": {}, "1 process": {}}
    for row, processes in (("1 process", 1), ("4 processes", 4)):
        for kind in (FLOOR, *LIBRARIES, OURS, BY_TENS):
            client = connect(server.url)
            client.flushall()
            client.close()
            begin = time.time() + 0.5
            results = pool.starmap(_decide, [(kind, server.url, begin, seconds)] * processes, chunksize=1)
            speed = sum(len(one) for one in results) * (10 if kind == BY_TENS else 1) / seconds
            middle = at(0.5, [each for one in results for each in one]) * 1e6
            rows[row][kind] = f"{speed:,.0f}" + (f" ({middle:.0f} µs)" if processes == 1 else "")
    return rows


def _decide(kind: str, url: str, begin: float, seconds: float) -> list[float]:
    decide = _decider(kind, url)
    time.sleep(max(0.0, begin - time.time()))
    times, until = [], time.perf_counter() + seconds
    while (before := time.perf_counter()) < until:
        decide()
        times.append(time.perf_counter() - before)
    return times


def _decider(kind: str, url: str) -> Any:
    if kind == FLOOR:
        script = connect(url).register_script("return 1")
        return lambda: script(keys=["k"])
    if kind not in {OURS, BY_TENS}:
        library = made(kind, Task(url=url, rate=PLENTY, window=(PLENTY, 60.0)))
        return lambda: library.ask("x")
    limits = Limits(pace=1e6, concurrency=PLENTY, flight_lease=0.5)
    bucket = TokenBucket(connect(url), "bench", limits, metered=True)
    own = CampaignLimits(campaign="c", pace=1e6, concurrency=PLENTY)
    minute = {"minute_limit": PLENTY, "minute_remaining": PLENTY, "minute_reset": 50}
    first = name()
    bucket.acquire(first)
    meter = Meter(**minute, day_limit=PLENTY, day_remaining=PLENTY, day_reset=50_000)
    bucket.settle(first, charged=True, meter=meter)
    if kind == BY_TENS:
        return lambda: bucket.acquire_many([name() for _ in range(10)], own=own)
    return lambda: bucket.acquire(name(), own=own, call_lease=0.5)


def lost_answers(server: RedisServer) -> dict[str, Cells]:
    """A proxy loses the answer after Redis has run the script, once and three times in a row: what one ask is charged.

    Each library uses the client that it or its documents make. After a lost answer the caller asks again, ours by
    the same id.
    """
    rows: dict[str, Cells] = {"1 lost": {}, "3 lost": {}}
    for kind in ("limits fixed", "limits moving", "throttled bucket", "throttled gcra", "pyrate log", OURS):
        for row, lost in (("1 lost", 1), ("3 lost", 3)):
            rows[row][kind] = f"{_charged(server, kind, lost)}x"
    return rows


def _charged(server: RedisServer, kind: str, lost: int) -> int:
    """How many of ten tokens are gone after one was asked for."""
    client = connect(server.url)
    client.flushall()
    proxy = LosingProxy(server.port)
    proxy.start()
    task = Task(url=f"redis://127.0.0.1:{proxy.port}/0", window=(10, 600.0))
    if kind == OURS:
        mine = TokenBucket(connect(task.url), "bench", Limits(pace=1e6, day_points=10))
        mine.acquire("warm")  # the script is there: what is lost is its answer
        proxy.lose(lost)
        _until_answered(lambda: mine.acquire("one"))
        left = mine.peek().windows[0].left
    else:
        limiter = made(kind, task)
        limiter.ask("warm")
        proxy.lose(lost)
        _until_answered(lambda: limiter.ask("one"))
        left = 0
        while left < 10 and limiter.ask(f"probe{left}")[0]:
            left += 1
    proxy.close()
    client.close()
    return 10 - left - 1


def _until_answered(ask: Callable[[], object]) -> None:
    """Ask again after a lost answer, for clients that do not do so themselves."""
    for _ in range(10):
        with suppress(Exception):
            ask()
            return


class LosingProxy(threading.Thread):
    """A proxy that passes everything on, but cuts the connection instead of passing on the next answers to a script."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._upstream = port
        self._to_lose = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]

    def lose(self, answers: int) -> None:
        self._to_lose = answers

    def run(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._upstream)) as upstream:
            while request := client.recv(65536):
                upstream.sendall(request)
                answer = upstream.recv(65536)
                if self._to_lose and b"EVALSHA" in request.upper():
                    self._to_lose -= 1
                    return
                client.sendall(answer)

    def close(self) -> None:
        self._door.close()
