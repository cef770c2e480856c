"""The audit's lines are chained by hash. The workers' sweep chains those of before: their hashes need a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("place", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("hash", sa.Text(), nullable=True))
    op.create_index("uq_audit_place", "audit", ["place"], unique=True)
    op.create_table(
        "audit_chain",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.CheckConstraint("name IN ('anchor', 'head')", name=op.f("ck_audit_chain_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_chain")),
    )
