"""Adds the table breakers, and an index that finds retries without going through the first tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "breakers",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("trying_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_breakers_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_breakers")),
    )
    again = sa.text("status = 'pending' AND tries > 0")
    op.create_index(
        "ix_contacts_retries",
        "contacts",
        ["campaign_id", "due_at"],
        unique=False,
        sqlite_where=again,
        postgresql_where=again,
    )
