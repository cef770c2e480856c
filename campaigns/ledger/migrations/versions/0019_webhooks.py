"""Webhooks, and the events that triggers write for them in the transaction of each move."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from campaigns.ledger.migrations.event_triggers import make

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
IS_PENDING, IS_ALERT = sa.text("state = 'pending'"), sa.text("kind LIKE 'alert.%'")
LEASED = "(lease IS NOT NULL AND lease_until IS NOT NULL) OR (NOT (lease IS NOT NULL) AND lease_until IS NULL)"

STEPS = "step IN ('release', 'dial', 'look', 'settle', 'sweep', 'launch', 'tell')"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("include", sa.JSON(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("old_salt", sa.Text()),
        sa.Column("old_until", MOMENT),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("last_answer", sa.Text(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("given_up", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid()),
        sa.Column("lease_until", MOMENT),
        sa.CheckConstraint("state IN ('active', 'paused', 'ended')", name=op.f("ck_webhooks_state")),
        sa.CheckConstraint(LEASED, name=op.f("ck_webhooks_leased")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("contact_id", ROW_ID),
        sa.Column("attempt_id", sa.Uuid()),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("answer", sa.Text()),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_id", name=op.f("uq_deliveries_event_id")),
    )
    op.create_index("ix_deliveries_at", "deliveries", ["at"])
    for name, columns, which in (
        ("ix_deliveries_pending", ["webhook", "id"], IS_PENDING),
        ("ix_deliveries_order", ["webhook", "subject", "id"], IS_PENDING),
        ("ix_deliveries_alerts", ["campaign_id", "kind"], IS_ALERT),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=which, postgresql_where=which)
    with op.batch_alter_table("faults") as batch:
        batch.drop_constraint(op.f("ck_faults_step"), type_="check")
        batch.create_check_constraint(op.f("ck_faults_step"), STEPS)
    for statement in make(op.get_bind().dialect.name, "campaigns", "contacts", "attempts"):
        op.execute(statement)
