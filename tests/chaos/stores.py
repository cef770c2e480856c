"""The two stores, and how each is paused: as a database that is gone for some seconds."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg

from tests.support import postgres


class Store(Protocol):
    """A place for a ledger."""

    name: str
    url: str

    def pause(self, seconds: float) -> None:
        """Nobody can write, or even reach it, for so long."""


@dataclass(frozen=True)
class SqliteStore:
    file: Path
    name: str = "SQLite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def pause(self, seconds: float) -> None:
        with closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            db.execute("ROLLBACK")


@dataclass(frozen=True)
class PostgresStore:
    server: str
    database: str
    name: str = "PostgreSQL"

    @property
    def url(self) -> str:
        return self.server.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{self.database}"

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


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Store]:
    """A store of this name for as long as the block runs."""
    if name == "sqlite":
        yield SqliteStore(folder / "ledger.sqlite3")
        return
    with postgres.server() as url, psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE chaos")
        yield PostgresStore(url, "chaos")
