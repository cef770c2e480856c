"""The audit is listed the latest first, by campaign, by person, by kind of act and by period."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FILTERS = ("campaign_id", "who", "event")


def upgrade() -> None:
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    for column in FILTERS:
        op.create_index(f"ix_audit_{column}_at", "audit", [column, "at", "id"])
    op.drop_index("ix_audit_campaign_id", "audit")
