"""Single calls: how many a second programs can ask for over HTTP, and what each costs"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import httpx
import uvicorn
import yaml
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, make_url

from benchmarks.console_process import ConsoleProcess, console
from benchmarks.figures import Figures
from benchmarks.redis_server import serving
from benchmarks.steady import at_rate, timed
from benchmarks.subjects.overload.program import account_of, program
from campaigns.launch.checking.checks import check
from campaigns.launch.launch import launch
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Scope
from dialer.deadline import utc_now
from dialer.providers.registry import account_settings
from tests.support import postgres
from tests.support.timed_vendor import TimedVendor, timed_vendor
from workers.settings import load

RATES = (200, 400)  # calls asked for in a second
SECONDS = 5
AT_ONCE = 32
ONE_BY_ONE, WARM_UP, PACE = 60, 5, 10  # calls through the whole program, and calls a second that the account allows
ARRIVES_WITHIN = 30.0
BARE = "bare"  # in place of the console: a route that checks a body and writes a row
CUTS = ("median", "95 %", "longest")
CAMPAIGN = {
    "campaign": "now",
    "account": "bulk",
    "contacts": {"standing": True, "key": "appointment", "not_after": "until"},
    "message": {"tts": "Hello {{ name }}, this is a reminder of your appointment at {{ time }}. Goodbye."},
    "caller_id": "+18005550100",
    "schedule": {"zone": "America/New_York"},
    "frequency": {"per_number": ["3/24h"]},
}


def measure(only: tuple[str, ...] = ("SQLite", "PostgreSQL")) -> Iterator[Figures]:
    """Calls at a steady rate, each with a key and an Idempotency-Key, beside a route that only writes a row."""
    rows = []
    with serving() as redis:
        for store in only:
            with _ledger(store) as (folder, url):
                for rate in RATES:
                    rows.append(_row("the API", store, folder, url, rate, redis.url))
                rows.append(_row(BARE, store, folder, url, RATES[0], redis.url))
    yield Figures(
        title="Answers of POST /api/v1/calls",
        columns=("", "store", "asked/s", "answered/s", "median ms", "95 % ms", "99 % ms", "CPU ms each", "all 201"),
        rows=rows,
        note="`bare`: the same server and framework, a model of the same body, one INSERT and a commit for each, and "
        "neither token, checks, text nor idempotency. CPU: of the console's process alone; it nudges no worker here "
        "but Redis. The client and the store share the cores.",
    )
    with timed_vendor() as vendor:
        yield Figures(
            title="From the answer of POST /api/v1/calls to its request at the vendor's, when nothing holds it",
            columns=("store", *(f"{what}, ms: {cut}" for what in ("answer", "then the request") for cut in CUTS)),
            rows=[_to_the_vendor(store, vendor) for store in only],
            note=f"`dialer up` with one worker, {ONE_BY_ONE} calls one after the other at moments drawn between its "
            "ticks, which come every second. The request's moment is stamped by the kernel as it reaches the vendor. "
            "Goals: answer 30 ms at the median, then 300 ms.",
        )


def _row(what: str, store: str, folder: Path, url: str, rate: int, redis_url: str) -> tuple[str, ...]:
    settings = {"DIALER_LEDGER__URL": url, "DIALER_REDIS__URL": redis_url}
    command = ("-m", "benchmarks.subjects.calls") if what == BARE else ("-m", "console.web")
    with console(folder, command=command, **settings) as served:
        token = _token(url) if what != BARE else ""
        asyncio.run(_ask(served, token, rate, 1.0))  # what is made at the first request is made
        before = served.cpu_seconds()
        began = time.perf_counter()
        waits, statuses = asyncio.run(_ask(served, token, rate, SECONDS))
        taken, cpu = time.perf_counter() - began, served.cpu_seconds() - before
    cuts = statistics.quantiles(waits, n=100)
    return (
        *(what, store, f"{rate:,}", f"{len(waits) / taken:.0f}"),
        *(f"{1000 * cuts[at - 1]:.1f}" for at in (50, 95, 99)),
        f"{1000 * cpu / len(waits):.2f}",
        "yes" if statuses == {201} else f"no: {sorted(statuses)}",
    )


@contextmanager
def _ledger(store: str) -> Iterator[tuple[Path, str]]:
    """A folder, and the address of a ledger with a standing campaign."""
    served = postgres.server(durable=True) if store == "PostgreSQL" else nullcontext()
    with tempfile.TemporaryDirectory() as name, served as server:
        folder = Path(name)
        url = server or f"sqlite:///{folder / 'ledger.sqlite3'}"
        ledger = Ledger(url.replace("postgresql://", "postgresql+psycopg://"))
        upgrade(ledger)
        (folder / "now.yaml").write_text(yaml.safe_dump(CAMPAIGN), encoding="utf-8")
        accounts = {"bulk": account_settings(provider="webex", service_key="k", receipt_secret="s")}  # noqa: S106
        launch(ledger, check(folder / "now.yaml", accounts), who="bench", now=utc_now())
        ledger.close()
        yield folder, url


def _token(url: str) -> str:
    ledger = Ledger(url.replace("postgresql://", "postgresql+psycopg://"))
    name = f"bench-{time.monotonic_ns()}"
    _, secret = api_tokens.create(ledger, name, [Scope.CALLS], who="bench", now=utc_now())
    ledger.close()
    return secret


def _call(number: int, key: str) -> dict[str, Any]:
    call = {"campaign": "now", "to": f"+1415555{100 + number % 100:04}", "key": key}
    until = (utc_now() + timedelta(hours=20)).isoformat()
    return call | {"fields": {"name": "Ann", "time": "half past nine"}, "not_after": until}


async def _ask(served: ConsoleProcess, token: str, rate: int, seconds: float) -> tuple[list[float], set[int]]:
    """Ask for calls at this rate; how long each answer took, and the statuses."""
    run = time.monotonic_ns()
    connector = aiohttp.TCPConnector(limit=AT_ONCE, keepalive_timeout=2)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    address = f"{served.address}/api/v1/calls"
    async with aiohttp.ClientSession(connector=connector, headers=headers) as program:

        async def post(number: int) -> tuple[int, float]:
            key = f"{run}-{number}"
            data = json.dumps(_call(number, key))
            return await timed(program.post(address, data=data, headers={"Idempotency-Key": key}))

        return await at_rate(rate, range(round(rate * seconds)), post)


def _to_the_vendor(store: str, vendor: TimedVendor) -> tuple[str, ...]:
    """How long each answer took, and from then on until the request was at the vendor's, of calls one by one."""
    rng, answers, ways = Random(7), list[float](), list[float]()
    with program(store, vendor, {account_of(PACE): PACE}, workers=1) as running:
        (running.folder / "now.yaml").write_text(yaml.safe_dump(CAMPAIGN | {"account": account_of(PACE)}), "utf-8")
        running.run("start", "now.yaml")
        token = json.loads(running.run("tokens", "create", "bench", "--scopes", "calls", "--json"))["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=running.console, headers=headers, trust_env=False) as api:
            for number in range(WARM_UP + ONE_BY_ONE):
                time.sleep(rng.uniform(0.5, 1.5))
                began = time.time()
                api.post("/api/v1/calls", json=_call(number, f"{number}")).raise_for_status()
                answered = time.time()
                answers.append(answered - began)
                ways.append(_arrival(vendor) - answered)
    return (store, *_cut(answers[WARM_UP:]), *_cut(ways[WARM_UP:]))


def _arrival(vendor: TimedVendor) -> float:
    """When the next request came."""
    until = time.monotonic() + ARRIVES_WITHIN
    while time.monotonic() < until:
        if came := vendor.arrivals():
            return came[0]
        time.sleep(0.05)
    raise TimeoutError("no request came")


def _cut(seconds: Sequence[float]) -> tuple[str, ...]:
    cuts = (statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1], max(seconds))
    return tuple(f"{1000 * cut:.0f}" for cut in cuts)


class _BareCall(BaseModel):
    campaign: str
    to: str
    fields: dict[str, str]
    key: str
    not_after: str


def bare_app(url: str) -> FastAPI:
    """What the API is measured against."""
    ledger, app = Ledger(url.replace("postgresql://", "postgresql+psycopg://")), FastAPI()
    column = Column("id", Integer, primary_key=True, autoincrement=True)
    table = Table("bare_calls", MetaData(), column, Column("body", Text, nullable=False))
    with ledger.writing() as db:
        table.create(db, checkfirst=True)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {}

    @app.post("/api/v1/calls", status_code=201)
    def request_call(given: _BareCall) -> dict[str, int]:
        with ledger.writing() as db:
            added = db.execute(insert(table).values(body=given.model_dump_json()).returning(table.c.id))
            return {"id": added.scalar_one()}

    return app


def _serve_bare() -> None:
    settings = load()
    assert settings.ledger.url is not None  # noqa: S101
    url = make_url(settings.ledger.url.get_secret_value()).render_as_string(hide_password=False)
    uvicorn.run(bare_app(url), host="127.0.0.1", port=settings.console.port, log_level="warning")


if __name__ == "__main__":
    _serve_bare()
