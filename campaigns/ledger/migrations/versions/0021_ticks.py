"""Ticks choose campaigns by columns, not by definitions, and leave one mark for all campaigns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.queries import parse_definition

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

LAST_TICK = """
    INSERT INTO ticks (step, at) SELECT 'release', max(ticked_at) FROM campaigns WHERE ticked_at IS NOT NULL
    HAVING count(*) > 0
"""
LIVE = "SELECT id, account, definition FROM campaigns WHERE status NOT IN ('finished', 'cancelled')"


def upgrade() -> None:
    op.create_table(
        "ticks",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("step", name=op.f("pk_ticks")),
    )
    op.execute(LAST_TICK)
    for name in ("starts_at", "ends_at"):
        op.add_column("campaigns", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("urgent", "hands_over"):
        op.add_column("campaigns", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    fill()


def fill() -> None:
    """Fill the columns of the campaigns that have not ended; those whose definition cannot be read stay empty."""
    db = op.get_bind()
    campaigns = sa.table(
        "campaigns",
        sa.column("id", sa.Text()),
        *(sa.column(name, sa.DateTime(timezone=True)) for name in ("starts_at", "ends_at")),
        *(sa.column(name, sa.Boolean()) for name in ("urgent", "hands_over")),
    )
    for row in db.exec_driver_sql(LIVE).all():
        try:
            definition = parse_definition(row.definition, row.account)
        except ValueError:
            continue
        facts = {
            "starts_at": definition.starts_at,
            "ends_at": definition.ends_at,
            "urgent": definition.urgent,
            "hands_over": definition.schedule.vendor_queue,
        }
        db.execute(sa.update(campaigns).where(campaigns.c.id == row.id).values(**facts))
