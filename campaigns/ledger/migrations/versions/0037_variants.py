"""Which of several texts an attempt says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.attempt_tally_triggers import count_by
from campaigns.ledger.migrations.event_triggers import make

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

KEY = ("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by", "reminder", "short", "variant")


def upgrade() -> None:
    op.add_column("attempts", sa.Column("variant", sa.Text(), nullable=True))
    op.add_column("attempt_tallies", sa.Column("variant", sa.Text(), server_default="", nullable=False))
    count_by(KEY)
    later = ("response", "reminder", "short", "variant")
    for statement in make(op.get_bind().dialect.name, "attempts", later=later):
        op.execute(statement)
