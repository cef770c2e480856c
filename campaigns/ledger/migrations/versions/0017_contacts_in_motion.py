"""Contacts in motion: keys, withdrawals, urgent contacts, standing campaigns that are closed, idempotency keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FINAL = "'reached', 'unreached', 'refused', 'suppressed', 'expired', 'cancelled', 'withdrawn', 'unknown'"
CHECKS = {  # all of the table's: SQLite makes it anew without them
    "status": f"status IN ('pending', 'claimed', 'dialing', 'placed', {FINAL})",
    "corrected": "corrected IN ('unknown', 'not_placed', 'unanswered')",
    "claimed": "(status = 'claimed' AND claim IS NOT NULL AND lease_until IS NOT NULL) "
    "OR (NOT (status = 'claimed') AND claim IS NULL AND lease_until IS NULL)",
    "final": f"(status IN ({FINAL}) AND final_at IS NOT NULL) OR (NOT (status IN ({FINAL})) AND final_at IS NULL)",
    "reason": "final_at IS NULL OR reason IS NOT NULL",
}
CHANGED = ("status", "final")
IS_URGENT = sa.text("status = 'pending' AND urgent")
IS_LEAVING = sa.text("withdrawal IS NOT NULL AND final_at IS NULL")
HAS_KEY = sa.text("key <> ''")
TRIGGERS = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'contacts'"


def upgrade() -> None:
    db = op.get_bind()
    is_sqlite = db.dialect.name == "sqlite"
    triggers = db.exec_driver_sql(TRIGGERS).scalars().all() if is_sqlite else []
    with op.batch_alter_table("contacts") as batch:
        batch.add_column(sa.Column("key", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("withdrawal", sa.Text(), nullable=True))
        batch.add_column(sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.drop_constraint("uq_contacts_phone_campaign_id", type_="unique")
        batch.create_unique_constraint(op.f("uq_contacts_phone_campaign_id_key"), ["phone", "campaign_id", "key"])
        for name in () if is_sqlite else CHANGED:
            batch.drop_constraint(op.f(f"ck_contacts_{name}"), type_="check")
        for name in CHECKS if is_sqlite else CHANGED:
            batch.create_check_constraint(op.f(f"ck_contacts_{name}"), CHECKS[name])
    for trigger in triggers:
        db.exec_driver_sql(trigger)
    for name, columns, where in (
        ("ix_contacts_urgent", ["campaign_id", "due_at"], IS_URGENT),
        ("ix_contacts_leaving", ["id"], IS_LEAVING),
        ("uq_contacts_key", ["campaign_id", "key"], HAS_KEY),
    ):
        unique = name.startswith("uq")
        op.create_index(name, "contacts", columns, unique=unique, sqlite_where=where, postgresql_where=where)
    op.add_column("campaigns", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "idempotency_keys",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("contact_id", ROW_ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("who", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_at", "idempotency_keys", ["at"])
