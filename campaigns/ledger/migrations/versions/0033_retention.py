"""What was emptied of ended campaigns because the time for which it is kept was over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retention_done",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.CheckConstraint("kept IN ('contacts', 'texts', 'receipts', 'reports')", name=op.f("ck_retention_done_kept")),
        sa.PrimaryKeyConstraint("campaign_id", "kept", name=op.f("pk_retention_done")),
    )
    op.create_index("ix_retention_done_at", "retention_done", ["at"])
