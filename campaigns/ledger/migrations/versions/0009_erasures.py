"""Adds the table erasures (they wait for the end of a call), fills it, and clears what earlier erasures had left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column(
            "contact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_erasures_contact_id")),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_erasures")),
    )
    op.execute(
        "INSERT INTO erasures (contact_id, who, asked_at) SELECT id, 'dialer', CURRENT_TIMESTAMP FROM contacts "
        "WHERE phone LIKE '+%' AND phone_hash IN (SELECT phone FROM suppressions WHERE phone LIKE 'hash:%')"
    )
    op.execute(
        "UPDATE contacts SET voice = NULL, zone = 'UTC', not_after = NULL, "
        "reason = CASE WHEN status = 'reached' THEN reason ELSE 'erased' END WHERE phone LIKE 'hash:%'"
    )
