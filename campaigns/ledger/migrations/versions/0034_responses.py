"""What people press in a call: kept with the attempt and its contact, counted, and told to webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.event_triggers import make

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLDED, UNFOLDED = sa.text("folded"), sa.text("NOT folded")
KEY = ["campaign_id", "response"]


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in ("contacts", "attempts"):
        op.add_column(table, sa.Column("response", sa.Text(), nullable=True))
    op.add_column("receipts", sa.Column("pressed", sa.JSON(), nullable=True))
    op.add_column("campaigns", sa.Column("redials_reached", sa.Boolean(), server_default=sa.false(), nullable=False))
    name = "response_tallies"
    op.create_table(
        name,
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_campaign_id", name, ["campaign_id"])
    op.create_index(f"ix_{name}_unfolded", name, ["id"], sqlite_where=UNFOLDED, postgresql_where=UNFOLDED)
    op.create_index(f"uq_{name}_folded", name, KEY, unique=True, sqlite_where=FOLDED, postgresql_where=FOLDED)
    for statement in _tally_triggers(dialect):
        op.execute(statement)
    for trigger in make(dialect, "contacts", "attempts", later=("response",)):
        op.execute(trigger)


def _tally_triggers(dialect: str) -> Iterator[str]:
    gone, come = _insert("OLD", -1), _insert("NEW", 1)
    if dialect == "sqlite":
        changed = "AFTER UPDATE OF response ON contacts WHEN OLD.response IS NOT NEW.response"
        yield f"CREATE TRIGGER contacts_responded {changed} BEGIN {gone} {come} END"
        removed = "AFTER DELETE ON contacts WHEN OLD.response IS NOT NULL"
        yield f"CREATE TRIGGER contacts_response_removed {removed} BEGIN {gone} END"
        return
    body = f"BEGIN {gone} IF TG_OP = 'UPDATE' THEN {come} END IF; RETURN NULL; END"
    yield f"CREATE FUNCTION tally_responses() RETURNS trigger LANGUAGE plpgsql AS $tally$ {body} $tally$"
    each = "FOR EACH ROW WHEN ({}) EXECUTE FUNCTION tally_responses()"
    changed = each.format("OLD.response IS DISTINCT FROM NEW.response")
    yield f"CREATE TRIGGER contacts_responded AFTER UPDATE OF response ON contacts {changed}"
    removed = each.format("OLD.response IS NOT NULL")
    yield f"CREATE TRIGGER contacts_response_removed AFTER DELETE ON contacts {removed}"


def _insert(row: str, number: int) -> str:
    values = f"{row}.campaign_id, {row}.response, {number}, false"
    columns = "(campaign_id, response, number, folded)"
    return f"INSERT INTO response_tallies {columns} SELECT {values} WHERE {row}.response IS NOT NULL;"
