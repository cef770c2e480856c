"""Counts of ended contacts and settled attempts, kept by triggers: how a campaign stands is read, not counted.

A migration that makes `contacts` or `attempts` anew on SQLite drops their triggers: it must make these again.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLDED, UNFOLDED, IS_OPEN = sa.text("folded"), sa.text("NOT folded"), sa.text("ended_at IS NULL")
CONTACT_KEY = ("campaign_id", "status", "reason")
ATTEMPT_KEY = ("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by")
SEVEN_DIGITS = {"sqlite": "{} GLOB '*" + "[0-9]" * 7 + "*'", "postgresql": "{} ~ '[0-9]{{7}}'"}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_index("ix_attempts_open", "attempts", ["campaign_id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
    _make_table(
        "contact_tallies",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        key=CONTACT_KEY,
    )
    _make_table(
        "attempt_tallies",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        key=ATTEMPT_KEY,
    )
    tables = (("contacts", CONTACT_KEY, "final_at"), ("attempts", ATTEMPT_KEY, "ended_at"))
    for table, key, over in tables:
        tallies = table.removesuffix("s") + "_tallies"
        count = f"SELECT {_values(key, '', dialect)}, count(*), true FROM {table} WHERE {over} IS NOT NULL"  # noqa: S608
        grouped = f"GROUP BY {', '.join(str(place) for place in range(1, len(key) + 1))}"
        op.execute(f"INSERT INTO {tallies} ({', '.join(key)}, number, folded) {count} {grouped}")
        make = _sqlite_triggers if dialect == "sqlite" else _postgresql_triggers
        for statement in make(table, tallies, key, over):
            op.execute(sa.text(statement.replace(":", "\\:")))
    # A draft's contacts are counted as they are added, from now on.
    added = "SELECT count(*) FROM contacts WHERE campaign_id = campaigns.id"
    op.execute(f"UPDATE campaigns SET contacts = ({added}) WHERE status = 'draft'")  # noqa: S608


def _make_table(name: str, *columns: sa.Column[object], key: tuple[str, ...]) -> None:
    op.create_table(
        name,
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        *columns,
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_campaign_id", name, ["campaign_id"])
    op.create_index(f"ix_{name}_unfolded", name, ["id"], sqlite_where=UNFOLDED, postgresql_where=UNFOLDED)
    op.create_index(f"uq_{name}_folded", name, list(key), unique=True, sqlite_where=FOLDED, postgresql_where=FOLDED)


def _values(key: tuple[str, ...], row: str, dialect: str) -> str:
    """What a tally keeps of a row. A reason with a long number is left out: an erasure could not find it here."""
    texts = {name: f"coalesce({row}{name}, '')" for name in ("reason", "verdict", "outcome", "ended_by")}
    texts["reason"] = f"CASE WHEN {SEVEN_DIGITS[dialect].format(texts['reason'])} THEN '' ELSE {texts['reason']} END"
    return ", ".join(texts.get(name, row + name) for name in key)


def _insert(tallies: str, key: tuple[str, ...], row: str, over: str, number: int, dialect: str) -> str:
    columns = f"({', '.join(key)}, number, folded)"
    return f"INSERT INTO {tallies} {columns} SELECT {_values(key, row, dialect)}, {number}, false WHERE {row}{over} IS NOT NULL;"  # noqa: E501


def _when(columns: tuple[str, ...], over: str, differ: str) -> str:
    changed = " OR ".join(f"OLD.{name} {differ} NEW.{name}" for name in (*columns, over))
    return f"(OLD.{over} IS NOT NULL OR NEW.{over} IS NOT NULL) AND ({changed})"


def _sqlite_triggers(table: str, tallies: str, key: tuple[str, ...], over: str) -> Iterator[str]:
    gone = _insert(tallies, key, "OLD.", over, -1, "sqlite")
    come = _insert(tallies, key, "NEW.", over, 1, "sqlite")
    of = f"UPDATE OF {', '.join((*key, over))} ON {table} WHEN {_when(key, over, 'IS NOT')}"
    yield f"CREATE TRIGGER {table}_changed AFTER {of} BEGIN {gone} {come} END"
    yield f"CREATE TRIGGER {table}_added AFTER INSERT ON {table} WHEN NEW.{over} IS NOT NULL BEGIN {come} END"
    yield f"CREATE TRIGGER {table}_removed AFTER DELETE ON {table} WHEN OLD.{over} IS NOT NULL BEGIN {gone} END"


def _postgresql_triggers(table: str, tallies: str, key: tuple[str, ...], over: str) -> Iterator[str]:
    gone = f"IF TG_OP <> 'INSERT' THEN {_insert(tallies, key, 'OLD.', over, -1, 'postgresql')} END IF;"
    come = f"IF TG_OP <> 'DELETE' THEN {_insert(tallies, key, 'NEW.', over, 1, 'postgresql')} END IF;"
    body = f"BEGIN {gone} {come} RETURN NULL; END"
    yield f"CREATE FUNCTION tally_{table}() RETURNS trigger LANGUAGE plpgsql AS $tally$ {body} $tally$"
    each = f"FOR EACH ROW WHEN ({{}}) EXECUTE FUNCTION tally_{table}()"
    of = f"UPDATE OF {', '.join((*key, over))} ON {table}"
    changed = each.format(_when(key, over, "IS DISTINCT FROM"))
    yield f"CREATE TRIGGER {table}_changed AFTER {of} {changed}"
    yield f"CREATE TRIGGER {table}_added AFTER INSERT ON {table} {each.format(f'NEW.{over} IS NOT NULL')}"
    yield f"CREATE TRIGGER {table}_removed AFTER DELETE ON {table} {each.format(f'OLD.{over} IS NOT NULL')}"
