"""Adds to contacts: voice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("contacts", sa.Column("voice", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("contacts", "voice")
