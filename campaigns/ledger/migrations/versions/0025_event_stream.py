"""Events for programs that read them all: those of the webhook `(events)` are never sent, and wait for nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.event_triggers import make

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

OF_STREAM = sa.text("webhook = '(events)'")
TABLES = ("campaigns", "contacts", "attempts")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("xact", sa.BigInteger(), nullable=True))
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":  # afterwards, so that no row is written anew
        op.execute("ALTER TABLE deliveries ALTER COLUMN xact SET DEFAULT txid_current()")
    op.create_index(
        "ix_deliveries_streamed", "deliveries", ["xact", "id"], sqlite_where=OF_STREAM, postgresql_where=OF_STREAM
    )
    for statement in make(dialect, *TABLES):
        op.execute(statement)
