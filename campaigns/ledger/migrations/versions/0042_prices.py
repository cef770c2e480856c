"""What each call may cost, by the prices of its account when it was opened; and what a campaign has spent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("cost_noted", sa.BigInteger(), nullable=True))
    op.add_column("attempts", sa.Column("currency", sa.Text(), nullable=True))
    for name in ("call_price", "part_price", "kept_back"):
        op.add_column("attempts", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("attempts", sa.Column("part_seconds", sa.Integer(), nullable=True))
    has_price = sa.text("currency IS NOT NULL")
    op.create_index(
        "ix_attempts_priced", "attempts", ["campaign_id"], sqlite_where=has_price, postgresql_where=has_price
    )
