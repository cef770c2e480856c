"""The PostgreSQL of the tests themselves: the one in the wheel serves wherever there is no other."""

from __future__ import annotations

import psycopg
import pytest

from tests.support import postgres


@pytest.mark.postgres
def test_the_server_in_the_wheel_serves_where_debian_has_none(tmp_path, monkeypatch):
    for name in ("TEST_POSTGRES_URL", "XDG_RUNTIME_DIR"):  # as on a bare machine
        monkeypatch.delenv(name, raising=False)
    with postgres.server(debian=tmp_path) as url, psycopg.connect(url) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)
