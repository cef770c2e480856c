"""Campaigns know who started them, and a large one may wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

CHECKS = {  # all of the table's: SQLite makes it anew without them
    "status": "status IN ('draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled')",
    "pause_kind": "pause_kind IN ('person', 'breaker', 'canary', 'budget', 'halted', 'second_person')",
    "hold_kind": "hold_kind IN ('redis_away', 'day_points', 'bucket_empty', 'limit', 'budget', 'canary', "
    "'asked_elsewhere', 'clock_set')",
    "canary": "canary IN ('passed', 'failed')",
    "paused": "(status = 'paused' AND pause_kind IS NOT NULL) OR (NOT (status = 'paused') AND pause_kind IS NULL)",
    "over": "(status IN ('finished', 'cancelled') AND finished_at IS NOT NULL) "
    "OR (NOT (status IN ('finished', 'cancelled')) AND finished_at IS NULL)",
    "held": "(held_by IS NOT NULL AND hold_kind IS NOT NULL) OR (NOT (held_by IS NOT NULL) AND hold_kind IS NULL)",
}
TRIGGERS = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'campaigns'"


def upgrade() -> None:
    db = op.get_bind()
    is_sqlite = db.dialect.name == "sqlite"
    triggers = db.exec_driver_sql(TRIGGERS).scalars().all() if is_sqlite else []
    with op.batch_alter_table("campaigns", recreate="auto") as batch:
        batch.add_column(sa.Column("started_by", sa.Text(), nullable=True))
        if not is_sqlite:
            batch.drop_constraint(op.f("ck_campaigns_pause_kind"), type_="check")
        for name in CHECKS if is_sqlite else ("pause_kind",):
            batch.create_check_constraint(op.f(f"ck_campaigns_{name}"), CHECKS[name])
    for trigger in triggers:
        db.exec_driver_sql(trigger)
