"""What a list held as it was given: its columns, cells that are not among a contact's fields, and rejected rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("list_columns", sa.JSON(), nullable=True))
    op.add_column("contacts", sa.Column("given", sa.JSON(), nullable=True))
    op.create_table(
        "rejected_rows",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_rows")),
    )
    op.create_index("ix_rejected_rows_campaign_id_line", "rejected_rows", ["campaign_id", "line"])
