"""The ledger's store: its tables, its migrations, its durability, and what it says when it cannot be used."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from campaigns.ledger import migrations
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.ledger.tables import UtcTime, metadata
from tests.support.patience import PATIENCE
from tests.support.seeding import seed


def test_the_migrations_make_the_tables_that_the_code_writes(ledger):
    def same_type(_context, _inspected, declared, _found, wanted):
        return False if isinstance(wanted, UtcTime) or "VARIANT" in repr(declared) else None

    with ledger.reading() as db:
        context = MigrationContext.configure(db, opts={"compare_type": same_type})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_one_the_code_knows(ledger):
    with ledger.reading() as db:
        assert migrations.version(db) == migrations.HEAD
    assert ScriptDirectory(str(migrations.MIGRATIONS)).get_current_head() == migrations.HEAD


def test_many_processes_may_upgrade_at_once(ledger_url):
    faults: list[Exception] = []

    def upgrade() -> None:
        one = Ledger(ledger_url)
        try:
            migrations.upgrade(one)
        except Exception as exc:
            faults.append(exc)
        finally:
            one.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_ledger_of_a_later_version_is_left_alone(ledger):
    with ledger.reading() as db:
        ours = db.scalar(text("SELECT version_num FROM alembic_version"))
    _set_version(ledger, "9999")
    try:
        with pytest.raises(migrations.LedgerTooNew, match="9999"):
            migrations.upgrade(ledger)
    finally:
        _set_version(ledger, ours)  # others use this ledger


def _set_version(ledger, version):
    with ledger.writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_sqlite_forgets_nothing_that_was_committed(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    with ledger.reading() as db:
        assert db.scalar(text("PRAGMA journal_mode")) == "wal"
        assert db.scalar(text("PRAGMA synchronous")) == 2, "FULL: a call made is a call remembered"
        assert db.scalar(text("PRAGMA foreign_keys")) == 1
    ledger.close()


def waits_for_disk(ledger) -> Callable[[Connection], bool]:
    if ledger.engine.dialect.name == "sqlite":
        return lambda db: db.scalar(text("PRAGMA synchronous")) == 2
    return lambda db: db.scalar(text("SHOW synchronous_commit")) == "on"


def test_only_a_draft_is_written_without_waiting_for_the_disk(ledger):
    asked = waits_for_disk(ledger)

    def fails(db: Connection) -> None:
        assert not asked(db)
        raise ValueError("on the way")

    assert not ledger.write_draft(asked)
    assert ledger.write(asked), "the same connection waits again"
    with pytest.raises(ValueError, match="on the way"):
        ledger.write_draft(fails)
    assert ledger.write(asked)
    with ledger.writing() as db:
        assert asked(db)


def test_a_draft_is_filled_on_a_connection_that_nothing_else_uses(ledger):
    asked = waits_for_disk(ledger)

    def own(db: Connection) -> Any:
        assert not asked(db)
        return db.connection.driver_connection

    with ledger.drafting() as connection:
        used = connection.write(own)
        assert connection.write(own) is used
        assert ledger.write(lambda db: db.connection.driver_connection) is not used
        assert ledger.write_draft(own) is not used
        with pytest.raises(ZeroDivisionError):
            connection.write(lambda db: 1 / 0)
        assert connection.write(own) is used
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        used.execute("SELECT 1")


def test_a_transaction_that_fails_leaves_nothing(ledger, clock):
    campaign = seed(ledger, ["+14155550101"], now=clock())

    def half(db):
        db.execute(text("UPDATE contacts SET status = 'dialing'"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.write(half)
    with ledger.reading() as db:
        assert db.scalar(text("SELECT status FROM contacts WHERE campaign_id = :c"), {"c": campaign}) == "pending"


def test_a_lost_race_is_run_again(postgres_database, clock):
    """Two transactions that take the same rows in opposite order: PostgreSQL ends one, and it is tried again."""
    ledger = Ledger(postgres_database)
    migrations.upgrade(ledger)
    seed(ledger, ["+14155550101", "+14155550102"], now=clock())
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    def swap(db, first, second):
        tries.append(first)
        db.execute(text("UPDATE contacts SET tries = tries + 1 WHERE line = :n"), {"n": first})
        if len(tries) <= 2:
            both_hold_one.wait(timeout=PATIENCE)
        db.execute(text("UPDATE contacts SET tries = tries + 1 WHERE line = :n"), {"n": second})

    threads = [threading.Thread(target=ledger.write, args=(swap, *order)) for order in ((2, 3), (3, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    with ledger.reading() as db:
        assert db.scalars(text("SELECT tries FROM contacts ORDER BY line")).all() == [2, 2]
    assert len(tries) == 3
    ledger.close()


def test_a_store_that_is_away_is_named_without_its_password():
    away = Ledger("postgresql+psycopg://dialer:secret@127.0.0.1:1/ledger")
    with pytest.raises(LedgerUnavailable) as told, away.reading():
        pass
    assert "127.0.0.1:1" in told.value.message
    assert "secret" not in str(told.value)
    away.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_keep_every_text_is_named(postgres_database, encoding):
    """`initdb` makes one that keeps bytes (SQL_ASCII) where no locale is set."""
    url = f"{postgres_database}_{encoding.lower()}"
    name = url.rsplit("/", 1)[1]
    ledger = Ledger(url)
    with psycopg.connect(postgres_database.replace("+psycopg", ""), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        try:
            with pytest.raises(LedgerUnavailable, match=f"keeps texts in {encoding}, not in UTF-8") as refused:
                migrations.upgrade(ledger)
            assert "ENCODING 'UTF8'" in refused.value.remedy
        finally:
            ledger.close()
            db.execute(f"DROP DATABASE {name}")


def test_a_naive_time_is_refused(ledger):
    from datetime import datetime

    with pytest.raises(Exception, match="aware times only"):
        seed(ledger, ["+14155550101"], now=datetime(2026, 12, 1))  # noqa: DTZ001
