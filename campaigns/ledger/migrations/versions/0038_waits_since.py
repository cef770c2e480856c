"""Since when an event waits to be delivered: a call's end may be learnt, and an event replayed, long after it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.event_triggers import make

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

LATER = ("response", "reminder", "short", "variant", "waits_since")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True))
    for statement in make(op.get_bind().dialect.name, "campaigns", "contacts", "attempts", later=LATER):
        op.execute(statement)
