"""Adds to attempts: doubted_at, confirmed_by (what ended the doubt), ended_by (the evidence of the end)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("doubted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attempts", sa.Column("confirmed_by", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("ended_by", sa.Text(), nullable=True))
