"""The contacts of a campaign are listed in their order, and the failed deliveries of a webhook, by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

HAS_FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    op.create_index("ix_contacts_campaign_id_id", "contacts", ["campaign_id", "id"])
    op.create_index(
        *("ix_deliveries_failed", "deliveries", ["webhook", "id"]),
        sqlite_where=HAS_FAILED,
        postgresql_where=HAS_FAILED,
    )
