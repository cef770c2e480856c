"""Several reminders of one appointment: which one a contact waits for, and which one an attempt told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.attempt_tally_triggers import count_by
from campaigns.ledger.migrations.event_triggers import make

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEY = ("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by", "reminder")


def upgrade() -> None:
    for table in ("contacts", "attempts"):
        op.add_column(table, sa.Column("reminder", sa.Integer(), nullable=True))
    op.add_column("attempt_tallies", sa.Column("reminder", sa.Integer(), server_default="0", nullable=False))
    count_by(KEY)
    for statement in make(op.get_bind().dialect.name, "attempts", later=("response", "reminder")):
        op.execute(statement)
