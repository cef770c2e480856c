"""Calls are counted by minute and hour, for the charts; campaigns are listed the newest first by an index.

The triggers of 0015 note the minute of an attempt beside its tally; whoever folds the tallies counts it (`call_times`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TEXTS = ("verdict", "outcome", "ended_by")
KEY = ("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by")
MINUTES = {
    "sqlite": "CAST(strftime('%s', {}) AS INTEGER) / 60",
    "postgresql": "CAST(floor(extract(epoch FROM {})) AS INTEGER) / 60",
}
MINUTES_KEPT = timedelta(days=2)
SPANS = (60, 3600)


def upgrade() -> None:
    db = op.get_bind()
    dialect = db.dialect.name
    op.create_index("ix_campaigns_created_at", "campaigns", ["created_at", "id"])
    op.add_column("attempt_tallies", sa.Column("minute", sa.Integer(), nullable=True))
    op.create_table(
        "call_times",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "span", "starts", "outcome", name=op.f("pk_call_times")),
    )
    op.create_index("ix_call_times_span_starts", "call_times", ["span", "starts"])
    for span in SPANS:
        starts = f"{MINUTES[dialect].format('dialing_at')} * 60 / {span} * {span}"
        count = f"SELECT campaign_id, {span}, {starts}, coalesce(outcome, status), count(*) FROM attempts"  # noqa: S608
        recent = " AND dialing_at > :since" if span == min(SPANS) else ""
        moment = sa.bindparam("since", datetime.now(UTC) - MINUTES_KEPT, sa.DateTime(timezone=True))
        statement = sa.text(
            f"INSERT INTO call_times (campaign_id, span, starts, outcome, number) {count}"
            f" WHERE ended_at IS NOT NULL{recent} GROUP BY 1, 2, 3, 4"
        )
        db.execute(statement.bindparams(moment) if recent else statement)
    for trigger in _sqlite_triggers() if dialect == "sqlite" else [_postgresql_function()]:
        op.execute(sa.text(trigger.replace(":", "\\:")))


def _insert(row: str, number: int, dialect: str) -> str:
    values = ", ".join(f"coalesce({row}{name}, '')" if name in TEXTS else row + name for name in KEY)
    minute = MINUTES[dialect].format(f"{row}dialing_at")
    columns = f"({', '.join(KEY)}, minute, number, folded)"
    return f"INSERT INTO attempt_tallies {columns} SELECT {values}, {minute}, {number}, false WHERE {row}ended_at IS NOT NULL;"  # noqa: E501


def _sqlite_triggers() -> Iterator[str]:
    gone, come = _insert("OLD.", -1, "sqlite"), _insert("NEW.", 1, "sqlite")
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in (*KEY, "ended_at"))
    of = f"UPDATE OF {', '.join((*KEY, 'ended_at'))} ON attempts"
    when = f"WHEN (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NOT NULL) AND ({changed})"
    yield from (f"DROP TRIGGER attempts_{name}" for name in ("changed", "added", "removed"))
    yield f"CREATE TRIGGER attempts_changed AFTER {of} {when} BEGIN {gone} {come} END"
    yield f"CREATE TRIGGER attempts_added AFTER INSERT ON attempts WHEN NEW.ended_at IS NOT NULL BEGIN {come} END"
    yield f"CREATE TRIGGER attempts_removed AFTER DELETE ON attempts WHEN OLD.ended_at IS NOT NULL BEGIN {gone} END"


def _postgresql_function() -> str:
    gone = f"IF TG_OP <> 'INSERT' THEN {_insert('OLD.', -1, 'postgresql')} END IF;"
    come = f"IF TG_OP <> 'DELETE' THEN {_insert('NEW.', 1, 'postgresql')} END IF;"
    body = f"BEGIN {gone} {come} RETURN NULL; END"
    return f"CREATE OR REPLACE FUNCTION tally_attempts() RETURNS trigger LANGUAGE plpgsql AS $tally$ {body} $tally$"
