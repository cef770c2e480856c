"""Contacts are listed page by page by their status, and found by the last digits of their number.

A migration that makes `contacts` anew on SQLite drops the index of the last digits, which it cannot read: it must make
it again, as the triggers of 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    listed = ["campaign_id", "status", "due_at", "id"]
    op.create_index("ix_contacts_campaign_id_status_due_at_id", "contacts", listed)
    op.drop_index("ix_contacts_campaign_id_status_due_at", "contacts")
    op.create_index("ix_contacts_ending", "contacts", [sa.text("(substr(phone, length(phone) - 3))")])
