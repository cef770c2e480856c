"""Redis and the ledger: whether they answer, in which version, and with which settings of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import make_url, text

from campaigns.ledger.migrations import HEAD, known_versions, version
from campaigns.ledger.store import Ledger
from dialer.errors import DialerError
from workers.broker_answers import REDIS_SECONDS, refusal
from workers.doctor.findings import ClockReading, Finding, fail, ok, warn
from workers.settings import Settings

OLDEST_REDIS, OLDEST_SQLITE, OLDEST_POSTGRES = (6, 2), (3, 35), 13
POLICY = "noeviction"
NEARLY_FULL = 0.9
UPGRADE = "make a copy, then: dialer ledger upgrade"


def redis_server(settings: Settings) -> Iterator[Finding | ClockReading]:
    """The broker. Where none is configured, `dialer up` brings its own."""
    address = settings.redis.address
    if address is None:
        yield warn(
            "Redis",
            "none is configured, and no stack runs on this data folder",
            "start one: dialer up; or set redis.url",
        )
        return
    try:
        with address.client(timeout=REDIS_SECONDS, decode_responses=True) as server:
            asked = time.time()
            seconds, microseconds = server.time()
            answered = time.time()
            info: Mapping[str, Any] = server.info()
    except redis.RedisError as exc:
        yield fail("Redis", f"{address}: {refusal(exc).words} ({_first_line(exc)})", _redis_remedy(exc))
        return
    ahead = seconds + microseconds / 1e6 - (asked + answered) / 2
    yield ClockReading(clock="Redis", ahead=ahead, uncertain=(answered - asked) / 2)
    yield judged_redis(str(address), info)


def judged_redis(place: str, info: Mapping[str, Any]) -> Finding:
    """What the server's INFO says of its version, its role and its memory."""
    product = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    number = str(info.get("valkey_version") or info.get("redis_version", "?"))
    policy, most, used = (
        info.get("maxmemory_policy", "?"),
        int(info.get("maxmemory", 0)),
        int(info.get("used_memory", 0)),
    )
    says = f"{product} {number} at {place}"
    if _numbers(str(info.get("redis_version", "0"))) < OLDEST_REDIS:
        return fail("Redis", f"{says} is too old", f"use Redis {'.'.join(map(str, OLDEST_REDIS))} or later, or Valkey")
    if info.get("role") not in (None, "master"):
        return fail(
            "Redis", f"{says} is a replica, which takes no writes", "set redis.url to its master, or sentinel://"
        )
    if policy != POLICY:
        remedy = f"set maxmemory-policy {POLICY} in its configuration"
        return fail("Redis", f"{says} drops tasks when its memory is full ({policy})", remedy)
    if most and used > NEARLY_FULL * most:
        return warn("Redis", f"{says}: {used / most:.0%} of its memory is used", "raise its maxmemory")
    return ok("Redis", f"{says}, {policy}")


def _redis_remedy(exc: redis.RedisError) -> str:
    if isinstance(exc, (redis.AuthenticationError, redis.exceptions.NoPermissionError)):
        return "correct user and password in redis.url"
    if "certificate" in str(exc).lower():
        return "set redis.ca_file to the authority that signed its certificate"
    return "start Redis there, or correct redis.url"


def ledger(settings: Settings) -> Iterator[Finding | ClockReading]:
    """The store, its version and its tables. Nothing is made or upgraded by this look."""
    url = make_url(settings.ledger_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        yield warn(
            "ledger",
            f"{url.database}: there is none yet",
            "make it: dialer ledger upgrade; or start: dialer up",
        )
        return
    store = Ledger(settings.ledger_url)
    try:
        with store.reading() as db:
            served = db.dialect.name == "postgresql"
            if served:
                asked = time.time()
                its_clock = db.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
                answered = time.time()
                ahead = float(its_clock) - (asked + answered) / 2
                yield ClockReading(clock="PostgreSQL", ahead=ahead, uncertain=(answered - asked) / 2)
            encoding = str(db.scalar(text("SHOW server_encoding" if served else "PRAGMA encoding")))
            number = str(db.scalar(text("SHOW server_version" if served else "SELECT sqlite_version()")))
            tables = version(db)
    except DialerError as exc:
        yield fail("ledger", exc.message, exc.remedy)
        return
    finally:
        store.close()
    place = url.database if not served else f"{url.host or 'a socket'}/{url.database}"
    yield judged_ledger(str(place), "PostgreSQL" if served else "SQLite", number, encoding)
    yield judged_tables(tables)


def judged_ledger(place: str, product: str, number: str, encoding: str) -> Finding:
    """The store's version, and whether every name and text fits into it."""
    says = f"{product} {number}, {encoding}, at {place}"
    oldest = (OLDEST_POSTGRES,) if product == "PostgreSQL" else OLDEST_SQLITE
    if _numbers(number) < oldest:
        return fail("ledger", f"{says}: too old", f"use {product} {'.'.join(map(str, oldest))} or later")
    if not encoding.upper().startswith("UTF"):
        remedy = "make a database with ENCODING 'UTF8', and put a dump into it"
        return fail("ledger", f"{says}: names in other scripts cannot be kept", remedy)
    return ok("ledger", says)


def judged_tables(tables: str | None) -> Finding:
    """Whether the ledger has the shape of this version."""
    if tables is None:
        return warn("tables", "there are none yet", "make them: dialer ledger upgrade; or start: dialer up")
    if tables == HEAD:
        return ok("tables", f"version {tables}, this program's own")
    if tables not in known_versions():
        remedy = "upgrade this program, or put back the copy of before: docs/operating.md"
        return fail("tables", f"version {tables} is of a later program; this one knows up to {HEAD}", remedy)
    return warn(
        "tables", f"version {tables}; this program's is {HEAD}, to which it upgrades at the next start", UPGRADE
    )


def _numbers(text: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    parts = text.split()[0].split(".") if text.split() else []
    return tuple(int(part) for part in parts[:2] if part.isdigit())


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
