"""Ledgers made once and emptied for each test: hundreds ask for one here, and making it takes longer than most need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from campaigns.ledger.migrate import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite ledger with nothing in it."""
    file = tmp_path_factory.mktemp("ledger") / "empty.sqlite3"
    made = Ledger(f"sqlite:///{file}")
    upgrade(made)
    made.close()
    return file


@pytest.fixture(scope="session")
def served_ledger(postgres_url: str) -> Iterator[Ledger]:
    """A PostgreSQL ledger for the whole run."""
    name = f"campaigns_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    made = Ledger(postgres_url.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://") + f"/{name}")
    upgrade(made)
    yield made
    made.close()
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger: each test that asks for it runs on both stores."""
    if request.param == "postgresql":
        yield _emptied(request.getfixturevalue("served_ledger"))
        return
    file = tmp_path / "ledger.sqlite3"
    shutil.copyfile(request.getfixturevalue("empty_file"), file)
    made = Ledger(f"sqlite:///{file}")
    yield made
    made.close()


def _emptied(ledger: Ledger) -> Ledger:
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with ledger.writing() as db:
        db.execute(text("SET LOCAL lock_timeout = '20s'"))
        db.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return ledger
