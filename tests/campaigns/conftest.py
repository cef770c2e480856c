"""Ledgers, made once and emptied for each test: hundreds ask for one here, and making it takes longer than most need.

And campaign files, loaded from their text.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.definition import Definition, load_definition
from campaigns.ledger.migrate import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import metadata
from tests import postgres


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
    with postgres.database(postgres_url) as url:
        made = Ledger(url)
        upgrade(made)
        yield made
        made.close()


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


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Definition]:
    """Loads the definition that a text is."""

    def load(text: str) -> Definition:
        file = tmp_path / "campaign.yaml"
        file.write_text(text, encoding="utf-8")
        return load_definition(file)

    return load


def _emptied(ledger: Ledger) -> Ledger:
    tables = ", ".join(table.name for table in metadata.sorted_tables)
    with ledger.writing() as db:
        db.execute(text("SET LOCAL lock_timeout = '20s'"))
        db.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return ledger
