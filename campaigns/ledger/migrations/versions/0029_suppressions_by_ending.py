"""The suppression list is searched by the last digits of a number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_suppressions_ending", "suppressions", [sa.text("(substr(phone, length(phone) - 3))")])
