"""Adds to suppressions: account; to contacts: phone_hash, consent; to attempts: zone, local_time, allowed_by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("suppressions") as table:
        table.add_column(sa.Column("account", sa.Text(), nullable=False, server_default=""))
        table.drop_constraint("uq_suppressions_phone", type_="unique")
        table.create_unique_constraint("uq_suppressions_phone_account", ["phone", "account"])
    op.add_column("contacts", sa.Column("phone_hash", sa.Text(), nullable=True))
    op.add_column("contacts", sa.Column("consent", sa.Text(), nullable=True))
    op.create_index("ix_contacts_phone", "contacts", ["phone"])
    op.add_column("attempts", sa.Column("zone", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("local_time", sa.Text(), nullable=True))
    op.add_column("attempts", sa.Column("allowed_by", sa.Text(), nullable=True))
