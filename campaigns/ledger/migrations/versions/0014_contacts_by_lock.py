"""A new contact's campaign is not looked up: whoever adds contacts has locked its row. Lists are imported faster."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contacts") as batch:
        batch.drop_constraint("fk_contacts_campaign_id", type_="foreignkey")
