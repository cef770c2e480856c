"""PostgreSQL as others have set it up: through PgBouncer in transaction mode, forgetful, in another zone of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, text

from campaigns.ledger import queries
from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from tests.support import pgbouncer
from tests.support.seeding import numbers, seed

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
TIMES = 12  # psycopg prepares a statement when it has seen it five times
Opened = Callable[[], Ledger]


@pytest.fixture(params=["direct", pytest.param("pooled", marks=pgbouncer.needed)])
def opened(request: pytest.FixtureRequest, postgres_database: str, tmp_path: Path) -> Iterator[Opened]:
    """Opens ledgers on one database, by its own address or by that of a PgBouncer with two sessions for all."""
    ledgers: list[Ledger] = []

    def open_one(url: str = postgres_database) -> Ledger:
        ledgers.append(Ledger(url))
        upgrade(ledgers[-1])
        return ledgers[-1]

    if request.param == "direct":
        yield open_one
    else:
        with pgbouncer.pooler(postgres_database.replace("+psycopg", ""), tmp_path, sessions=2) as (_child, url):
            yield lambda: open_one(url.replace("postgresql:", "postgresql+psycopg:"))
            for ledger in ledgers:
                ledger.close()
    for ledger in ledgers:
        ledger.close()


def set_for_everybody(url: str, setting: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        name = admin.execute("SELECT current_database()").fetchone()
        assert name
        admin.execute(f"ALTER DATABASE {name[0]} SET {setting}".encode())


def test_statements_repeated_by_many_meet_no_session_that_does_not_know_them(opened):
    ledger = opened()

    def work(turn: int) -> None:
        for n in range(TIMES):
            seed(ledger, numbers(3, first=3 * n), now=NOW, campaign=f"number-{turn}")
            with ledger.reading() as db:
                queries.all_campaigns(db)

    with ThreadPoolExecutor(8) as hands:
        list(hands.map(work, range(8)))
    with ledger.reading() as db:
        assert db.scalar(select(func.count()).select_from(contacts)) == 8 * TIMES * 3


def test_what_was_confirmed_is_on_disk_also_where_the_server_is_set_to_be_quick(opened, postgres_database):
    set_for_everybody(postgres_database, "synchronous_commit = off")
    ledger = opened()
    for _ in range(TIMES):
        with ledger.writing() as db:
            assert db.scalar(text("SHOW synchronous_commit")) == "on"
        assert ledger.write(lambda db: db.scalar(text("SHOW synchronous_commit"))) == "on"


def test_the_servers_zone_of_time_moves_no_moment(opened, postgres_database):
    set_for_everybody(postgres_database, "timezone = 'Asia/Kolkata'")
    ledger = opened()
    seed(ledger, numbers(1), now=NOW)
    with ledger.reading() as db:
        assert db.scalar(select(contacts.c.due_at)) == NOW
        assert db.scalar(select(func.count()).where(contacts.c.due_at == NOW)) == 1


@pgbouncer.needed
def test_only_behind_a_pooler_are_statements_not_prepared(postgres_database, tmp_path):
    with pgbouncer.pooler(postgres_database.replace("+psycopg", ""), tmp_path) as (_child, pooled):
        for url, prepares in ((postgres_database, True), (pooled.replace("postgresql:", "postgresql+psycopg:"), False)):
            ledger = Ledger(url)
            with ledger.reading() as db:
                driver = db.connection.driver_connection
                assert driver
                assert (driver.prepare_threshold is not None) is prepares
            ledger.close()
