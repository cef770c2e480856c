"""Calls that were answered and over before enough was said are known as such, and counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.attempt_tally_triggers import count_by
from campaigns.ledger.migrations.event_triggers import make

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

KEY = ("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by", "reminder", "short")


def upgrade() -> None:
    for table in ("attempts", "attempt_tallies"):
        op.add_column(table, sa.Column("short", sa.Boolean(), server_default=sa.false(), nullable=False))
    count_by(KEY)
    for statement in make(op.get_bind().dialect.name, "attempts", later=("response", "reminder", "short")):
        op.execute(statement)
