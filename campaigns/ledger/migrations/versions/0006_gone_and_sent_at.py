"""Adds to attempts: gone_at (first missing from the list of calls), send_at (when the provider is to place it)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attempts", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
