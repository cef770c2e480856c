"""Attempts say when the list of calls first missed them, and until when the provider was asked to wait."""

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
