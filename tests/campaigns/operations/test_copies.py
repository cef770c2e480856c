"""A copy of the ledger is whole, its owner's alone, and says what would dial again after it is put back."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.ledger.migrations import LedgerTooNew, upgrade
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger, LedgerDamaged
from campaigns.lifecycle import CampaignStatus
from campaigns.operations.copies import NotCopied, copy_ledger, ledger_file, restore_ledger
from tests.support.console_server import add_campaign
from tests.support.ledger_copies import migrated

NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger with a running campaign and one that has ended."""
    ledger = Ledger(migrated(tmp_path / "ledger.sqlite3"))
    add_campaign(ledger, "reminder", now=NOW)
    add_campaign(ledger, "past", now=NOW, status=CampaignStatus.FINISHED)
    ledger.close()
    return tmp_path / "ledger.sqlite3"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def audit_count(file: Path) -> int:
    with closing(sqlite3.connect(file)) as db:
        return int(db.execute("SELECT count(*) FROM audit").fetchone()[0])


def damage(file: Path) -> None:
    """Random bytes over the pages 3 to 6, as a failing disk leaves them."""
    with file.open("r+b") as stream:
        stream.seek(2 * 4096)
        stream.write(os.urandom(4 * 4096))


def test_a_copy_is_its_owners_whole_and_names_what_would_dial(file, tmp_path):
    old_mask = os.umask(0o022)
    try:
        copy = copy_ledger(file, tmp_path / "copy.sqlite3")
    finally:
        os.umask(old_mask)
    assert (copy.live, mode(copy.file), copy.size) == (("reminder-1",), 0o600, copy.file.stat().st_size)
    assert {each.name for each in tmp_path.iterdir()} <= {f"ledger.sqlite3{e}" for e in ("", "-wal", "-shm")} | {
        copy.file.name
    }


def test_a_copy_is_consistent_while_others_write(file, tmp_path):
    ledger, stop, written = Ledger(f"sqlite:///{file}"), threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            with ledger.writing() as db:  # both lines or none
                write_audit(db, NOW, who="a", event="x", detail="1")
                write_audit(db, NOW, who="a", event="x", detail="2")
            written += 2

    writer = threading.Thread(target=write)
    writer.start()
    before = audit_count(file)
    try:
        for number in range(5):
            copy = copy_ledger(file, tmp_path / f"copy{number}")
            assert (audit_count(copy.file) - before) % 2 == 0
    finally:
        stop.set()
        writer.join()
        ledger.close()
    assert written > 0


def test_what_is_put_back_is_what_was_copied_and_the_old_ledger_is_kept(file, tmp_path):
    copy = copy_ledger(file, tmp_path / "copy").file
    copy.chmod(0o644)
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("DELETE FROM contacts")
    restored, before = restore_ledger(copy, file, NOW)
    assert (restored.live, mode(file), before.name) == (("reminder-1",), 0o600, "ledger.sqlite3.before-20261201T150000")
    assert copy.exists()
    for path, count in ((file, 6), (before, 0)):
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT count(*) FROM contacts").fetchone() == (count,)


def test_a_copy_is_put_back_where_the_ledger_is_damaged_or_gone(file, tmp_path):
    copy = copy_ledger(file, tmp_path / "copy").file
    damage(file)
    restored, before = restore_ledger(copy, file, NOW)
    assert before is not None
    file.unlink()
    assert restore_ledger(copy, file, NOW)[1] is None
    assert restored.live == ("reminder-1",)


def test_nothing_is_put_back_while_somebody_uses_the_ledger(file, tmp_path):
    copy = copy_ledger(file, tmp_path / "copy").file
    ledger = Ledger(f"sqlite:///{file}")
    with ledger.reading() as db:
        db.exec_driver_sql("SELECT count(*) FROM contacts").all()
        with pytest.raises(NotCopied, match="is in use"):
            restore_ledger(copy, file, NOW)
    ledger.close()


@pytest.mark.parametrize("kind", ["there already", "a link", "no folder"])
def test_a_copy_replaces_nothing(file, tmp_path, kind):
    target = tmp_path / "target"
    if kind == "there already":
        target.write_text("precious")
    elif kind == "a link":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target = tmp_path / "none" / "target"
    with pytest.raises(NotCopied) as refused:
        copy_ledger(file, target)
    assert refused.value.remedy
    assert kind != "there already" or target.read_text() == "precious"


def test_a_damaged_ledger_gives_no_copy_and_a_damaged_copy_is_not_put_back(file, tmp_path):
    copy = copy_ledger(file, tmp_path / "copy").file
    damage(file)
    with pytest.raises(NotCopied):
        copy_ledger(file, tmp_path / "second")
    assert not (tmp_path / "second").exists()
    damage(copy)
    with pytest.raises(NotCopied, match="damaged"):
        restore_ledger(copy, tmp_path / "other.sqlite3", NOW)
    assert not (tmp_path / "other.sqlite3").exists()


@pytest.mark.parametrize("kind", ["text", "another database", "a later version", "a folder"])
def test_what_is_no_copy_of_ours_is_not_put_back(file, tmp_path, kind):
    other = tmp_path / "other"
    if kind == "a folder":
        other.mkdir()
    elif kind == "text":
        other.write_text("phone,name\n" * 1000)
    else:
        with closing(sqlite3.connect(copy_ledger(file, other).file if kind == "a later version" else other)) as db, db:
            db.execute(
                "UPDATE alembic_version SET version_num = '9999'" if kind == "a later version" else "CREATE TABLE t (x)"
            )
    before = file.read_bytes()
    with pytest.raises((NotCopied, LedgerTooNew)) as refused:
        restore_ledger(other, file, NOW)
    assert refused.value.remedy
    assert file.read_bytes() == before


def test_postgresql_has_tools_of_its_own():
    with pytest.raises(NotCopied) as refused:
        ledger_file("postgresql+psycopg://dialer:hunter2@db.example/dialer")
    assert "pg_dump --format=custom" in refused.value.remedy
    assert "pg_restore" in refused.value.remedy
    assert "hunter2" not in refused.value.remedy


@pytest.mark.parametrize(
    "harm", [damage, lambda file: file.write_bytes(b"no database " * 1000)], ids=["pages", "all of it"]
)
def test_a_damaged_ledger_is_named_with_its_remedy(file, harm):
    for ending in ("-wal", "-shm"):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    harm(file)
    ledger = Ledger(f"sqlite:///{file}")
    with pytest.raises(LedgerDamaged, match="is damaged") as refused:
        _read_all(ledger)
    assert "dialer ledger restore" in refused.value.remedy
    ledger.close()


def _read_all(ledger: Ledger) -> None:
    upgrade(ledger)
    with ledger.reading() as db:
        for table in ("campaigns", "contacts", "attempts", "audit"):
            db.exec_driver_sql(f"SELECT * FROM {table}").all()
