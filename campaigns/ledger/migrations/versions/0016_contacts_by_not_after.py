"""The contacts that may expire by their not_after: each sweep asks for those whose time has passed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MAY_EXPIRE = sa.text("not_after IS NOT NULL AND final_at IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_contacts_not_after", "contacts", ["not_after"], sqlite_where=MAY_EXPIRE, postgresql_where=MAY_EXPIRE
    )
