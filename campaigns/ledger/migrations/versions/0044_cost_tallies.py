"""What settled calls cost, added up by triggers: a budget in money asks for no call that is over."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLDED, UNFOLDED, HAS_PRICE = sa.text("folded"), sa.text("NOT folded"), sa.text("currency IS NOT NULL")
KEY = ["campaign_id", "currency"]
REACHED = "('answered', 'machine')"
OF = "status, outcome, counted, talk_seconds, ended_at"
WHOLE = {  # parts of a talk that are begun, at least one
    "sqlite": "CAST({0} AS INTEGER) + ({0} > CAST({0} AS INTEGER))",
    "postgresql": "CAST(ceil({0}) AS BIGINT)",
}


def upgrade() -> None:
    dialect, name = op.get_bind().dialect.name, "cost_tallies"
    op.create_table(
        name,
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_campaign_id", name, ["campaign_id"])
    op.create_index(f"ix_{name}_unfolded", name, ["id"], sqlite_where=UNFOLDED, postgresql_where=UNFOLDED)
    op.create_index(f"uq_{name}_folded", name, KEY, unique=True, sqlite_where=FOLDED, postgresql_where=FOLDED)
    op.execute(
        f"INSERT INTO {name} (campaign_id, currency, number, folded) "  # noqa: S608  # our own words
        f"SELECT campaign_id, currency, sum({_cost('', dialect)}), true FROM attempts "
        f"WHERE currency IS NOT NULL AND ended_at IS NOT NULL GROUP BY campaign_id, currency "
        f"HAVING sum({_cost('', dialect)}) <> 0"
    )
    index = "ix_attempts_priced"  # the dearest call of a campaign is the last entry
    op.drop_index(index, "attempts")
    op.create_index(index, "attempts", ["campaign_id", "kept_back"], sqlite_where=HAS_PRICE, postgresql_where=HAS_PRICE)
    for statement in _sqlite() if dialect == "sqlite" else _postgresql():
        op.execute(statement)


def _cost(row: str, dialect: str) -> str:
    """The cost of a settled attempt in millionths, as `campaigns/ledger/costs.py` has it."""
    parts = WHOLE[dialect].format(f"({row}talk_seconds / {row}part_seconds)")
    talked = f"({row}outcome IN {REACHED} OR {row}status = 'unknown')"
    return (
        f"CASE WHEN {talked} AND {row}talk_seconds IS NULL THEN {row}kept_back "
        f"WHEN {row}talk_seconds > 0 THEN {row}call_price + {row}part_price * ({parts}) "
        f"WHEN NOT {row}counted THEN 0 ELSE {row}call_price END"
    )


def _insert(row: str, sign: str, dialect: str) -> str:
    cost = f"{sign}({_cost(row, dialect)})"
    return (
        "INSERT INTO cost_tallies (campaign_id, currency, number, folded) "
        f"SELECT {row}campaign_id, {row}currency, {cost}, false "
        f"WHERE {row}currency IS NOT NULL AND {row}ended_at IS NOT NULL AND {cost} <> 0;"
    )


def _when(differ: str) -> str:
    changed = " OR ".join(f"OLD.{name} {differ} NEW.{name}" for name in OF.split(", "))
    return f"NEW.currency IS NOT NULL AND (OLD.ended_at IS NOT NULL OR NEW.ended_at IS NOT NULL) AND ({changed})"


def _sqlite() -> Iterator[str]:
    gone, come = _insert("OLD.", "-", "sqlite"), _insert("NEW.", "", "sqlite")
    of = f"UPDATE OF {OF} ON attempts WHEN {_when('IS NOT')}"
    ended = "WHEN {0}.currency IS NOT NULL AND {0}.ended_at IS NOT NULL"
    yield f"CREATE TRIGGER costs_changed AFTER {of} BEGIN {gone} {come} END"
    yield f"CREATE TRIGGER costs_added AFTER INSERT ON attempts {ended.format('NEW')} BEGIN {come} END"
    yield f"CREATE TRIGGER costs_removed AFTER DELETE ON attempts {ended.format('OLD')} BEGIN {gone} END"


def _postgresql() -> Iterator[str]:
    gone = f"IF TG_OP <> 'INSERT' THEN {_insert('OLD.', '-', 'postgresql')} END IF;"
    come = f"IF TG_OP <> 'DELETE' THEN {_insert('NEW.', '', 'postgresql')} END IF;"
    body = f"BEGIN {gone} {come} RETURN NULL; END"
    yield f"CREATE FUNCTION tally_costs() RETURNS trigger LANGUAGE plpgsql AS $tally$ {body} $tally$"
    each = "FOR EACH ROW WHEN ({}) EXECUTE FUNCTION tally_costs()"
    changed = each.format(_when("IS DISTINCT FROM"))
    yield f"CREATE TRIGGER costs_changed AFTER UPDATE OF {OF} ON attempts {changed}"
    ended = "{0}.currency IS NOT NULL AND {0}.ended_at IS NOT NULL"
    yield f"CREATE TRIGGER costs_added AFTER INSERT ON attempts {each.format(ended.format('NEW'))}"
    yield f"CREATE TRIGGER costs_removed AFTER DELETE ON attempts {each.format(ended.format('OLD'))}"
