"""Recurring campaigns can be paused, and launched when somebody asks for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("paused_at", "asked_at"):
        op.add_column("schedules", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
