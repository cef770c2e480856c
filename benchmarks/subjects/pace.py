"""From the token to the request: the whole dial path with a ledger, a bucket and a provider over HTTP."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.queues import Queue
from pathlib import Path
from random import Random
from typing import Any

import httpx
import structlog
from aiohttp import web
from sqlalchemy import func, select

from benchmarks.figures import Figures
from benchmarks.redis_server import serving
from benchmarks.subjects.bucket.crowd import at
from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts
from campaigns.operations import control
from campaigns.runtime import Runtime
from dialer.bucket import AcquireResult, CallsAsked, TokenBucket
from dialer.deadline import utc_now
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from tests.support import postgres
from tests.support.dialers import callgear, webex, working
from tests.support.seeding import seed

THREADS = 32
ANSWERS_IN = 0.05


def measure() -> Iterator[Figures]:
    """Three paces, the time from a pause to the last request, a limit on calls in progress, a shared account."""
    structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=_quiet)
    with serving() as server, vendor() as (url, arrivals), postgres.server() as store:
        rows = [_pipe(server.url, url, arrivals, pace, seconds) for pace, seconds in ((1, 15), (30, 10), (500, 10))]
        rows.append(_pipe(server.url, url, arrivals, 500, 10, postgres_url=store))
        yield Figures(
            title="Filling the pipe",
            columns=(
                "pace",
                "ledger",
                "requests/s that came",
                "of the pace",
                "token to request p50 / p99",
                "most in 1 s",
                "CPU each",
            ),
            rows=rows,
            note=f"One process of {THREADS} threads, all servers on the same cores. The provider answers after "
            f"{ANSWERS_IN * 1000:.0f} ms. Measured from the beginning of the token's slot to the request's "
            "arrival at the provider.",
        )
        yield Figures(
            title="From a pause to silence",
            columns=("pace", "last request after the pause was committed, median / longest of 5"),
            rows=[_pauses(server.url, url, arrivals, 30), _pauses(server.url, url, arrivals, 200)],
            note="Negative: the last request arrived before the pause was committed.",
        )
        yield Figures(
            title="From a call's end to the next request, where calls in progress are the limit",
            columns=("calls in progress at the most", "place freed to request, median / longest of 12"),
            rows=[_freed_places(server.url, url, arrivals, 4)],
            note="A freed place is noticed by the release tick, once a second: after half a second on average.",
        )
    with serving() as server:
        yield _behind_our_back(server.url)


def _pipe(
    redis_url: str, url: str, arrivals: Queue[Any], pace: int, seconds: float, *, postgres_url: str | None = None
) -> Sequence[str]:
    with house(redis_url, {"main": webex(url, pace=pace)}, postgres_url) as (using, due):
        campaign(using, int(pace * seconds * 2) + 50)
        cpu = time.process_time()
        with ticking(using):
            time.sleep(seconds)
        cpu = time.process_time() - cpu
        came = _drained(arrivals)
    moments = sorted(came.values())
    steady = [moment for moment in moments if moment >= moments[0] + 1]
    rate = (len(steady) - 1) / (steady[-1] - steady[0])
    late = [came[one] - due[one] for one in came if one in due]
    most = max(sum(1 for other in moments if first <= other < first + 1) for first in moments[:: max(1, pace // 20)])
    return (
        f"{pace}/s",
        "PostgreSQL" if postgres_url else "SQLite",
        f"{rate:.1f}",
        f"{rate / pace:.0%}",
        f"{at(0.5, late) * 1000:.0f} / {at(0.99, late) * 1000:.0f} ms",
        str(most),
        f"{cpu / len(came) * 1000:.1f} ms",
    )


def _pauses(redis_url: str, url: str, arrivals: Queue[Any], pace: int) -> Sequence[str]:
    silences = []
    with house(redis_url, {"main": webex(url, pace=pace)}) as (using, _):
        one = campaign(using, pace * 60)
        with ticking(using):
            for _ in range(5):
                time.sleep(2.5)
                control.pause(using.ledger, one, who="bench", now=utc_now())
                paused = time.time()
                time.sleep(1.5)
                silences += [max(came.values()) - paused for came in [_drained(arrivals)] if came]
                control.resume(using.ledger, one, who="bench", now=utc_now())
        _drained(arrivals)
    return f"{pace}/s", f"{at(0.5, silences) * 1000:.0f} / {max(silences) * 1000:.0f} ms"


def _freed_places(redis_url: str, url: str, arrivals: Queue[Any], places: int) -> Sequence[str]:
    """The calls of this vendor last until they are hung up here, independently of the ticks."""
    waits, rng = [], Random(5)
    with house(redis_url, {"main": webex(url, concurrency=places)}) as (using, _):
        bucket, one = using.accounts["main"].bucket, campaign(using, 100)
        with ticking(using):
            talking = [name for name, _ in _next(arrivals, places)]
            for _ in range(12):
                time.sleep(1.0 + rng.random())
                freed = time.time()
                bucket.end_calls([talking.pop(0)], campaign=one)
                ((name, came),) = _next(arrivals, 1)
                waits.append(came - freed)
                talking.append(name)
            control.pause(using.ledger, one, who="bench", now=utc_now())
    return str(places), f"{at(0.5, waits) * 1000:.0f} / {max(waits) * 1000:.0f} ms"


def _next(arrivals: Queue[Any], count: int) -> list[tuple[str, float]]:
    """The next requests to arrive."""
    return [arrivals.get(timeout=20) for _ in range(count)]


def _behind_our_back(redis_url: str) -> Figures:
    """A CallGear minute of 120 points, six seconds long here; a softphone takes five a second of them."""
    config = SandboxConfig(seed=1, speed=10, points_per_minute=120, window_offset=17)
    taken = [0]
    over = threading.Event()
    with running(config) as sandbox:

        def softphone() -> None:
            with httpx.Client() as client:
                params = {"access_token": "sandbox-key"}
                while not over.wait(0.2):
                    body = {"jsonrpc": "2.0", "id": "x", "method": "list.calls", "params": params}
                    reply = client.post(sandbox.base_url("callgear"), json=body).json()
                    taken[0] += "result" in reply

        account = callgear(sandbox.base_url("callgear"), pace=60, speed=10, poll_seconds=600)
        with house(redis_url, {"main": account}) as (using, _):
            campaign(using, 900)
            other = threading.Thread(target=softphone)
            seen: list[int] = []
            with ticking(using):
                other.start()
                for _ in range(200):
                    time.sleep(0.1)
                    seen += [one.used_by_others for one in using.accounts["main"].bucket.peek().windows[:1]]
                over.set()
                other.join()
            with using.ledger.reading() as db:
                asked = db.scalar(select(func.count()).where(attempts.c.verdict.is_not(None))) or 0
                refused = db.scalar(select(func.count()).where(attempts.c.verdict == "throttled")) or 0
    windows = 20 / 6
    return Figures(
        title="Points that another client of the account takes",
        columns=("", "measured"),
        rows=[
            ("taken by the other client, a window", f"{taken[0] / windows:.0f} of 120"),
            ("seen by the bucket as others', at most in a window", str(max(seen, default=0))),
            ("our requests refused, of all", f"{refused} of {asked}"),
        ],
        note="CallGear's sandbox at ten times its speed; the start of its minute is unknown, and the bucket "
        "sees only our own answers.",
    )


@contextmanager
def house(
    redis_url: str, accounts: dict[str, Any], postgres_url: str | None = None
) -> Iterator[tuple[Runtime, dict[str, float]]]:
    """A worker's runtime on an empty ledger, and when the token of each attempt became valid."""
    due: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = f"sqlite:///{Path(folder) / 'ledger.sqlite3'}"
        ledger = Ledger(postgres_url.replace("postgresql://", "postgresql+psycopg://") if postgres_url else file)
        upgrade(ledger)
        with working(ledger, redis_url, accounts) as using:
            using.accounts["main"].bucket._redis.flushall()
            watched = {name: replace(one, bucket=Watched(one.bucket, due)) for name, one in using.accounts.items()}
            yield replace(using, accounts=watched), due
        ledger.close()


class Watched(TokenBucket):
    """A bucket that notes from when on each token was valid."""

    def __init__(self, bucket: TokenBucket, due: dict[str, float]) -> None:
        super().__init__(bucket._redis, bucket.account, bucket.limits, metered=bucket.metered)
        self._due = due

    def answer(self, asked: CallsAsked, reply: Any, asked_at: float) -> tuple[int, AcquireResult]:
        some, answer = super().answer(asked, reply, asked_at)
        for one in asked.grant_ids[:some]:
            self._due[one] = time.time() + answer.wait
        return some, answer


def campaign(using: Runtime, count: int) -> str:
    """A running campaign over so many reserved numbers."""
    phones = [
        f"+1{200 + number // 86}55501{(number % 86) + (14 if number % 86 > 10 else 0):02}" for number in range(count)
    ]
    return seed(using.ledger, phones, now=utc_now())


@contextmanager
def ticking(using: Runtime) -> Iterator[None]:
    """Release ticks each second and slices on threads, as beat and one worker run them."""
    over = threading.Event()
    with ThreadPoolExecutor(THREADS) as workers:
        tasks: list[Future[int]] = []

        def tick() -> None:
            while True:
                tasks.extend(workers.submit(dial, one, using=using) for one in release(using=using))
                if over.wait(1.0):
                    return

        beat = threading.Thread(target=tick)
        beat.start()
        try:
            yield
        finally:
            over.set()
            beat.join()
            for task in tasks:
                task.result()


@contextmanager
def vendor() -> Iterator[tuple[str, Queue[Any]]]:
    """A Webex Connect in a process of its own that accepts every request; tells when each correlation id came."""
    spawn = multiprocessing.get_context("spawn")
    arrivals: Queue[Any] = spawn.Queue()
    process = spawn.Process(target=_serve, args=(arrivals,), daemon=True)
    process.start()
    try:
        yield arrivals.get(timeout=60), arrivals
    finally:
        process.terminate()
        process.join()


def _serve(arrivals: Queue[Any]) -> None:
    async def take(request: web.Request) -> web.Response:
        arrived = time.time()
        body = await request.json()
        name = body["to"][0].get("correlationId") or body.get("correlationId")
        arrivals.put((name, arrived))
        await asyncio.sleep(ANSWERS_IN)
        return web.json_response({"messageId": f"m-{name}", "correlationId": name, "status": "queued"}, status=201)

    async def serve() -> None:
        app = web.Application()
        app.router.add_post("/v2/messages", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        arrivals.put(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await asyncio.Event().wait()

    asyncio.run(serve())


def _drained(arrivals: Queue[Any]) -> dict[str, float]:
    """What has arrived since the last time."""
    time.sleep(0.5)
    came = {}
    while not arrivals.empty():
        name, moment = arrivals.get()
        came[name] = moment
    return came


def _quiet(*_names: object) -> Any:
    return structlog.ReturnLogger()
