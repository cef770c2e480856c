"""Redis and the ledger: the real ones, as they should be and as they should not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from campaigns.ledger.migrations import HEAD
from dialer.bucket import connect
from dialer.redis_address import RedisAddress
from tests.support.http_server import refused_url
from workers.doctor import stores
from workers.doctor.findings import ClockReading, Finding
from workers.doctor.stores import judged_ledger, judged_redis, judged_tables, redis_server
from workers.settings import Settings
from workers.settings_sections import LedgerSettings, RedisSettings

WELL = {"redis_version": "7.2.4", "role": "master", "maxmemory_policy": "noeviction", "maxmemory": 0, "used_memory": 1}


def with_redis(url: str) -> Settings:
    return Settings(redis=RedisSettings(url=SecretStr(url)))


def findings(parts) -> list[Finding]:
    return [part for part in parts if isinstance(part, Finding)]


def test_a_redis_that_is_well_tells_its_version_and_its_clock(redis_url):
    clock, finding = redis_server(with_redis(redis_url))
    assert isinstance(clock, ClockReading)
    assert abs(clock.ahead) < 1 + clock.uncertain
    assert (finding.level, finding.remedy) == ("ok", "")
    assert "noeviction" in finding.says


def test_a_redis_that_drops_tasks_when_full_is_told(redis_url):
    with connect(RedisAddress.parse(redis_url)) as server:
        server.config_set("maxmemory-policy", "allkeys-lru")
        try:
            (finding,) = findings(redis_server(with_redis(redis_url)))
        finally:
            server.config_set("maxmemory-policy", "noeviction")
    assert (finding.level, finding.remedy) == ("fail", "set maxmemory-policy noeviction in its configuration")


@pytest.mark.parametrize(
    ("changed", "level", "says"),
    [
        ({}, "ok", "Redis 7.2.4 at here, noeviction"),
        ({"server_name": "valkey", "valkey_version": "9.0.1"}, "ok", "Valkey 9.0.1 at here, noeviction"),
        ({"redis_version": "5.0.7"}, "fail", "Redis 5.0.7 at here is too old"),
        ({"role": "slave"}, "fail", "Redis 7.2.4 at here is a replica, which takes no writes"),
        ({"maxmemory": 100, "used_memory": 95}, "warn", "Redis 7.2.4 at here: 95% of its memory is used"),
        ({"maxmemory_policy": "volatile-ttl"}, "fail", "drops tasks"),
    ],
)
def test_what_a_redis_says_of_itself_is_judged(changed, level, says):
    finding = judged_redis("here", WELL | changed)
    assert (finding.level, says in finding.says, bool(finding.remedy)) == (level, True, level != "ok")


def test_a_redis_that_is_away_or_wants_another_password_is_told_without_ours(redis_url):
    away = refused_url().replace("http://", "redis://:the-secret@")
    (finding,) = redis_server(with_redis(away))
    assert (finding.level, finding.remedy) == ("fail", "start Redis there, or correct redis.url")
    assert "refused" in finding.says
    (other,) = redis_server(with_redis(redis_url.replace("redis://", "redis://nobody:the-secret@")))
    assert (other.level, other.remedy) == ("fail", "correct user and password in redis.url")
    assert "the-secret" not in finding.says + other.says


def test_a_ledger_that_is_not_there_yet_is_told_and_not_made(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    (finding,) = stores.ledger(settings)
    assert (finding.level, "dialer ledger upgrade" in finding.remedy) == ("warn", True)
    assert not settings.data_dir.exists()


def at(store) -> Settings:
    return Settings(ledger=LedgerSettings(url=SecretStr(store.url)))


def test_a_ledger_of_this_version_is_well(ledger):
    assert [finding.level for finding in findings(stores.ledger(at(ledger)))] == ["ok", "ok"]


@pytest.mark.parametrize(("tables", "level"), [("0029", "warn"), ("9999", "fail")])
def test_a_ledger_of_another_version_is_told_and_left_as_it_is(ledger, tables, level):
    change = text("UPDATE alembic_version SET version_num = :tables")
    with ledger.writing() as db:
        db.execute(change, {"tables": tables})
    try:
        (_, finding) = findings(stores.ledger(at(ledger)))
        with ledger.reading() as db:
            assert db.scalar(text("SELECT version_num FROM alembic_version")) == tables
    finally:
        with ledger.writing() as db:
            db.execute(change, {"tables": HEAD})
    assert (finding.level, tables in finding.says, bool(finding.remedy)) == (level, True, True)


def test_a_store_that_is_away_is_told_without_its_password():
    settings = Settings(ledger=LedgerSettings(url=SecretStr("postgresql://dialer:the-secret@127.0.0.1:9/dialer")))
    (finding,) = stores.ledger(settings)
    assert (finding.level, bool(finding.remedy), "the-secret" in finding.says) == ("fail", True, False)


def test_a_file_that_is_no_ledger_is_told(tmp_path: Path):
    (tmp_path / "ledger.sqlite3").write_text("no database at all, and long enough to be read as one" * 100)
    (finding,) = stores.ledger(Settings(data_dir=tmp_path))
    assert (finding.level, "damaged" in finding.says) == ("fail", True)


@pytest.mark.parametrize(
    ("product", "number", "encoding", "level"),
    [
        ("PostgreSQL", "17.2 (Debian 17.2-1)", "UTF8", "ok"),
        ("PostgreSQL", "12.9", "UTF8", "fail"),
        ("PostgreSQL", "16.1", "LATIN1", "fail"),
        ("PostgreSQL", "16.1", "SQL_ASCII", "fail"),
        ("SQLite", "3.45.1", "UTF-8", "ok"),
        ("SQLite", "3.31.0", "UTF-8", "fail"),
    ],
)
def test_a_store_is_judged_by_version_and_encoding(product, number, encoding, level):
    finding = judged_ledger("here", product, number, encoding)
    assert (finding.level, bool(finding.remedy)) == (level, level != "ok")


def test_a_store_without_tables_is_told():
    assert judged_tables(None).level == "warn"
