"""When a campaign that goes on with another account goes back to its preferred one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

RETURNS = sa.text("returns_at IS NOT NULL")


def upgrade() -> None:
    for name in ("returns_at", "return_asked_at"):
        op.add_column("campaigns", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    name, columns = "ix_campaigns_returns_at", ["returns_at"]
    op.create_index(name, "campaigns", columns, sqlite_where=RETURNS, postgresql_where=RETURNS)
