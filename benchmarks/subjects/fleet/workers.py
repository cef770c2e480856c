"""Worker processes that dial from one account, and what a call of theirs costs PostgreSQL, Redis and themselves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.queues import Queue
from typing import Any
from uuid import UUID, uuid4

import psycopg
import redis
from sqlalchemy import event, select, text, update

from benchmarks.large_postgres import fill
from benchmarks.redis_server import RedisServer, serving
from campaigns.dispatch.dial import Slice, dial
from campaigns.ledger import claims
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import OVERFLOW, POOL, Ledger
from campaigns.ledger.tables import attempts, campaigns
from campaigns.settlement.receipts import apply_waiting
from dialer.calls import Progress, Receipt
from dialer.deadline import utc_now
from dialer.providers.registry import account_settings
from tests.support import postgres
from tests.support.dialers import webex, working
from tests.support.processes import family, processor_seconds
from tests.support.seeding import seed
from tests.support.timed_vendor import timed_vendor

CALLS_IN_A_SLICE = 20
SLICES = 20  # of each worker
WARM_UP = 2
LEASE = timedelta(minutes=10)
LOOKED_EVERY = 0.003
RECEIPTS = 50  # together
COMMITS = 50
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
DEADLOCKS = "SELECT sum(deadlocks) FROM pg_stat_database"
SIZE = "SELECT pg_total_relation_size('{0}')::float / greatest(1, (SELECT count(*) FROM {0}))"
SIZED, SIZED_TABLES = 20_000, ("contacts", "attempts", "receipts")
ACCOUNT = account_settings(provider="webex", settle_seconds=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one call takes, or one commit or receipt; processor times in milliseconds."""

    statements: float
    commits: float
    redis_commands: float
    worker_ms: float
    ledger_ms: float
    redis_ms: float
    log_bytes: float
    commit_ms: float
    receipt_ms: float
    receipt_ledger_ms: float
    waits: float
    deadlocks: int
    connections: int


def cost_of(workers: int) -> Cost:
    """Let so many processes dial at once, and count."""
    with (
        postgres.own_server(durable=True) as server,
        serving() as own_redis,
        timed_vendor() as vendor,
        postgres.database(server.url) as url,
    ):
        return _Measured(server, url, own_redis, vendor.url).cost(workers)


def row_sizes() -> dict[str, float]:
    """The bytes of a row with its entries in indexes, by table."""
    with postgres.own_server(durable=True) as server, postgres.database(server.url) as url:
        ledger = fill(url, SIZED)
        with ledger.reading() as db:
            sizes = {table: float(db.scalar(text(SIZE.format(table))) or 0) for table in SIZED_TABLES}
        ledger.close()
        return sizes


class _Measured:
    """One run on servers of its own."""

    def __init__(self, server: postgres.Server, url: str, own_redis: RedisServer, vendor: str) -> None:
        self._server, self._url, self._redis, self._vendor = server, url, own_redis, vendor
        self._client = redis.Redis.from_url(own_redis.url)

    def cost(self, workers: int) -> Cost:
        ledger = Ledger(self._url)
        upgrade(ledger)
        people = workers * (SLICES + WARM_UP) * CALLS_IN_A_SLICE
        campaign_id = seed(ledger, [f"+1{2_000_000_000 + number}" for number in range(people)], now=utc_now())
        with psycopg.connect(self._server.url, autocommit=True) as admin:
            before = self._counters(admin)
            with _waits(self._server.url) as looks:
                each = self._dial(workers, campaign_id)
            after = self._counters(admin)
            deadlocks = int(admin.execute(DEADLOCKS).fetchone()[0] or 0)  # type: ignore[index]
        calls = workers * (SLICES + WARM_UP) * CALLS_IN_A_SLICE
        ledger_s, redis_s, commands, log = (late - early for early, late in zip(before, after, strict=True))
        receipt_ms, receipt_ledger_ms = self._receipts(ledger)
        commit_ms = _commit_ms(ledger)
        ledger.close()
        return Cost(
            statements=sum(one[0] for one in each) / calls,
            commits=sum(one[1] for one in each) / calls,
            redis_commands=commands / calls,
            worker_ms=1000 * sum(one[2] for one in each) / (workers * SLICES * CALLS_IN_A_SLICE),
            ledger_ms=1000 * ledger_s / calls,
            redis_ms=1000 * redis_s / calls,
            log_bytes=log / calls,
            commit_ms=commit_ms,
            receipt_ms=receipt_ms,
            receipt_ledger_ms=receipt_ledger_ms,
            waits=sum(looks) / max(1, len(looks)),
            deadlocks=deadlocks,
            connections=POOL + OVERFLOW,
        )

    def _dial(self, workers: int, campaign_id: str) -> list[tuple[int, int, float]]:
        spawn = get_context("spawn")
        counted: Queue[tuple[int, int, float]] = spawn.Queue()
        together = spawn.Barrier(workers)
        given = (self._url, self._redis.url, self._vendor, campaign_id, together, counted)
        processes = [spawn.Process(target=_work, args=given) for _ in range(workers)]
        for process in processes:
            process.start()
        each = [counted.get(timeout=300) for _ in processes]
        for process in processes:
            process.join()
        return each

    def _counters(self, admin: psycopg.Connection[tuple[object, ...]]) -> tuple[float, float, float, float]:
        """Processor seconds of PostgreSQL and of Redis, commands that Redis ran, bytes that PostgreSQL wrote ahead."""
        log: Any = admin.execute("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::float").fetchone()
        used: Any = self._client.info("cpu")
        spent = used["used_cpu_user"] + used["used_cpu_sys"]
        stats: Any = self._client.info("stats")
        return _spent(self._server.running.pid), spent, stats["total_commands_processed"], log[0]

    def _receipts(self, ledger: Ledger) -> tuple[float, float]:
        """Processor milliseconds of the console and of PostgreSQL for one receipt."""
        with ledger.reading() as db:
            ids = db.scalars(select(attempts.c.id).limit(8 * RECEIPTS)).all()
        own, server = time.process_time(), _spent(self._server.running.pid)
        for first in range(0, len(ids), RECEIPTS):
            heard = [
                Delivery(account="main", heard=[placed(one, utc_now())], body="{}")
                for one in ids[first : first + RECEIPTS]
            ]
            ledger.write(store, heard, now=utc_now())
            ledger.write(apply_waiting, "main", ACCOUNT, now=utc_now())
        own, server = time.process_time() - own, _spent(self._server.running.pid) - server
        return 1000 * own / len(ids), 1000 * server / len(ids)


def placed(attempt_id: UUID, now: datetime) -> Receipt:
    """The provider's word that it has accepted this call."""
    return Receipt(
        event_id=str(attempt_id),
        provider_call_id=str(attempt_id),
        correlation_id=attempt_id,
        word="OFFERED",
        code="7407",
        progress=Progress.PLACED,
        outcome=None,
        occurred_at=now,
    )


def _work(url: str, redis_url: str, vendor: str, campaign_id: str, together: Any, counted: Any) -> None:
    """One worker process: claim and dial slices, one after the other; tells statements, commits and CPU seconds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a line for each call
    ledger = Ledger(url)
    statements: list[int] = []
    commits: list[int] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *_: statements.append(1))
    event.listen(ledger.engine, "commit", lambda *_: commits.append(1))
    with working(ledger, redis_url, {"main": webex(vendor, pace=5000)}, lease=LEASE.total_seconds()) as using:
        together.wait()
        for number in range(WARM_UP + SLICES):
            if number == WARM_UP:
                spent = time.process_time()
            claim_id, now = uuid4(), utc_now()
            claimed = (campaign_id, claim_id, CALLS_IN_A_SLICE)
            ids = ledger.write_draft(claims.claim_due, *claimed, now=now, lease_until=now + LEASE, in_list_order=False)
            dial(Slice(campaign_id=campaign_id, claim=claim_id, contact_ids=tuple(ids)), using=using)
        counted.put((len(statements), len(commits), time.process_time() - spent))
    ledger.close()


@contextmanager
def _waits(url: str) -> Iterator[list[bool]]:
    """Looks at the locks while the block runs: whether somebody waited for one."""
    looks: list[bool] = []
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as db:
            while not over.wait(LOOKED_EVERY):
                looks.append(bool(db.execute(WAITING).fetchone()[0]))  # type: ignore[index]

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()


def _commit_ms(ledger: Ledger) -> float:
    """The median of many commits of one row, one after the other."""
    took = []
    for number in range(COMMITS):
        with ledger.writing() as db:
            db.execute(update(campaigns).values(reason=str(number)))
            began = time.perf_counter()
        took.append(1000 * (time.perf_counter() - began))
    return sorted(took)[COMMITS // 2]


def _spent(pid: int) -> float:
    """Processor seconds of a process, of all that come from it and live, and of those that it has outlived."""
    ended = processor_seconds(pid, with_ended=True) - processor_seconds(pid)
    return processor_seconds(*family(pid)) + ended
