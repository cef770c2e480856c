"""Which of several numbers a contact is shown, and calls counted by the number that was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.attempt_tally_triggers import count_by

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

KEY = (
    *("campaign_id", "account", "status", "verdict", "outcome", "counted", "ended_by", "reminder", "short", "variant"),
    "caller_id",
)
COUNT_OLD = """
    UPDATE attempt_tallies SET caller_id = coalesce((
        SELECT caller_id FROM attempts
        WHERE attempts.campaign_id = attempt_tallies.campaign_id AND attempts.account = attempt_tallies.account LIMIT 1
    ), '')
"""


def upgrade() -> None:
    op.add_column("contacts", sa.Column("caller_id", sa.Text(), nullable=True))
    op.add_column("attempt_tallies", sa.Column("caller_id", sa.Text(), server_default="", nullable=False))
    # So far a campaign showed one number for each of its accounts.
    op.execute(COUNT_OLD)
    count_by(KEY)
    op.create_index("ix_attempts_caller_id_dialing_at", "attempts", ["caller_id", "dialing_at"])
