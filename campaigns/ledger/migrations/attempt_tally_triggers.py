"""The triggers that count settled attempts, for a migration that adds a column by which they are counted.

`key` are the columns of `attempt_tallies` that this version of the ledger has; the index of its sums is made anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from alembic import op

EMPTY = {"verdict": "''", "outcome": "''", "ended_by": "''", "reminder": "0", "variant": "''"}
FOLDED = sa.text("folded")
MINUTES = {
    "sqlite": "CAST(strftime('%s', {}) AS INTEGER) / 60",
    "postgresql": "CAST(floor(extract(epoch FROM {})) AS INTEGER) / 60",
}


def count_by(key: Sequence[str]) -> None:
    """Let settled attempts be counted by these columns from now on."""
    dialect, index = op.get_bind().dialect.name, "uq_attempt_tallies_folded"
    op.drop_index(index, "attempt_tallies")
    op.create_index(index, "attempt_tallies", list(key), unique=True, sqlite_where=FOLDED, postgresql_where=FOLDED)
    for statement in _sqlite(key) if dialect == "sqlite" else _postgresql(key):
        op.execute(sa.text(statement.replace(":", "\\:")))


def _insert(key: Sequence[str], row: str, number: int, dialect: str) -> str:
    values = (f"coalesce({row}{name}, {EMPTY[name]})" if name in EMPTY else row + name for name in key)
    minute = MINUTES[dialect].format(f"{row}dialing_at")
    listed = f"{', '.join(values)}, {minute}, {number}, false"
    columns = f"({', '.join(key)}, minute, number, folded)"
    return f"INSERT INTO attempt_tallies {columns} SELECT {listed} WHERE {row}ended_at IS NOT NULL;"


def _when(key: Sequence[str], differ: str) -> str:
    changed = " OR ".join(f"OLD.{name} {differ} NEW.{name}" for name in (*key, "ended_at"))
    return f"(OLD.ended_at IS NOT NULL OR NEW.ended_at IS NOT NULL) AND ({changed})"


def _sqlite(key: Sequence[str]) -> Iterator[str]:
    gone, come = _insert(key, "OLD.", -1, "sqlite"), _insert(key, "NEW.", 1, "sqlite")
    of = f"UPDATE OF {', '.join((*key, 'ended_at'))} ON attempts WHEN {_when(key, 'IS NOT')}"
    yield from (f"DROP TRIGGER attempts_{name}" for name in ("changed", "added", "removed"))
    yield f"CREATE TRIGGER attempts_changed AFTER {of} BEGIN {gone} {come} END"
    yield f"CREATE TRIGGER attempts_added AFTER INSERT ON attempts WHEN NEW.ended_at IS NOT NULL BEGIN {come} END"
    yield f"CREATE TRIGGER attempts_removed AFTER DELETE ON attempts WHEN OLD.ended_at IS NOT NULL BEGIN {gone} END"


def _postgresql(key: Sequence[str]) -> Iterator[str]:
    gone = f"IF TG_OP <> 'INSERT' THEN {_insert(key, 'OLD.', -1, 'postgresql')} END IF;"
    come = f"IF TG_OP <> 'DELETE' THEN {_insert(key, 'NEW.', 1, 'postgresql')} END IF;"
    body = f"BEGIN {gone} {come} RETURN NULL; END"
    yield f"CREATE OR REPLACE FUNCTION tally_attempts() RETURNS trigger LANGUAGE plpgsql AS $tally$ {body} $tally$"
    yield "DROP TRIGGER attempts_changed ON attempts"
    of = f"UPDATE OF {', '.join((*key, 'ended_at'))} ON attempts"
    when = _when(key, "IS DISTINCT FROM")
    yield f"CREATE TRIGGER attempts_changed AFTER {of} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION tally_attempts()"
