"""Faults of the dialer's own steps, counted for `status` and the metrics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "faults",
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "step IN ('release', 'dial', 'look', 'settle', 'sweep', 'launch')", name=op.f("ck_faults_step")
        ),
        sa.PrimaryKeyConstraint("step", "account", "campaign_id", name=op.f("pk_faults")),
    )
