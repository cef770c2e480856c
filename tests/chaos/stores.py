"""The stores, and what befalls each: gone for some seconds, frozen, restarted."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg

from tests.support import pgbouncer, postgres
from tests.support.processes import family, frozen
from workers.stack.processes import Child

STORES = ("sqlite", "postgresql", "pgbouncer")
Faults = Mapping[str, Callable[[float], None]]


class Store(Protocol):
    """A place for a ledger."""

    name: str

    @property
    def url(self) -> str:
        """Its address for SQLAlchemy."""

    @property
    def faults(self) -> Faults:
        """What befalls it, by name; each for so many seconds."""

    def pause(self, seconds: float) -> None:
        """Nobody can write, or even reach it, for so long."""

    def repair(self) -> None:
        """Start again what has ended, as its supervisor would."""


@dataclass(frozen=True)
class SqliteStore:
    file: Path
    name: str = "SQLite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    @property
    def faults(self) -> Faults:
        return {"database gone": self.pause}

    def pause(self, seconds: float) -> None:
        with closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            db.execute("ROLLBACK")

    def repair(self) -> None:
        """It has no process."""


@dataclass(frozen=True)
class PostgresStore:
    """`server` is its address, `own` the server where it is ours to stop, `pooler` what stands before it."""

    server: str
    database: str
    own: postgres.Server | None = None
    pooler: Child | None = None
    address: str = ""
    name: str = field(default="PostgreSQL")

    @property
    def url(self) -> str:
        address = (self.address or self.server).rsplit("/", 1)[0]
        return address.replace("postgresql://", "postgresql+psycopg://") + f"/{self.database}"

    @property
    def faults(self) -> Faults:
        own: Faults = {
            "database frozen": self.freeze,
            "PostgreSQL restarted": lambda seconds: self.restart(signal.SIGINT, seconds),
            "PostgreSQL restarted at once": lambda seconds: self.restart(signal.SIGQUIT, seconds),
        }
        pooling: Faults = {"PgBouncer killed": self.kill_pooler, "PgBouncer frozen": self.freeze_pooler}
        return {"database gone": self.pause, **(own if self.own else {}), **(pooling if self.pooler else {})}

    def pause(self, seconds: float) -> None:
        """Every connection is cut and none is let in."""
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        with psycopg.connect(self.server, autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS false")
            try:
                admin.execute(cut, (self.database,))
                time.sleep(seconds)
            finally:
                admin.execute(f"ALTER DATABASE {self.database} ALLOW_CONNECTIONS true")

    def freeze(self, seconds: float) -> None:
        assert self.own
        with frozen(family(self.own.running.pid)):
            time.sleep(seconds)

    def restart(self, how: signal.Signals, seconds: float) -> None:
        assert self.own
        self.own.stop(how)
        time.sleep(seconds)
        self.own.start()

    def kill_pooler(self, seconds: float) -> None:
        assert self.pooler
        self.pooler.kill()
        time.sleep(seconds)
        self.pooler.start()

    def freeze_pooler(self, seconds: float) -> None:
        assert self.pooler
        assert self.pooler.pid
        with frozen([self.pooler.pid]):
            time.sleep(seconds)

    def repair(self) -> None:
        if self.own and self.own.running.poll() is not None:
            self.own.start()
        if self.pooler and not self.pooler.alive:
            self.pooler.start()


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Store]:
    """A store of this name for as long as the block runs, with all its files in this folder."""
    if name == "sqlite":
        yield SqliteStore(folder / "ledger.sqlite3")
        return
    with _server(folder) as (url, own):
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE chaos")
        if name == "postgresql":
            yield PostgresStore(url, "chaos", own)
            return
        with pgbouncer.pooler(url, folder) as (pooler, address):
            yield PostgresStore(url, "chaos", own, pooler, address, name="PgBouncer")


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, postgres.Server | None]]:
    """The server at TEST_POSTGRES_URL, which nobody may stop, or one of our own."""
    if postgres.given():
        with postgres.server() as url:
            yield url, None
    else:
        with postgres.own_server(folder=folder) as own:
            yield own.url, own
