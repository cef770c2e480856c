"""Contacts, and the rows of lists that became none."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    and_,
    false,
    literal_column,
    text,
)

from campaigns.ledger.tables.columns import (
    RowId,
    Sentence,
    UtcTime,
    known_values,
    metadata,
    one_of,
    partial_index,
    together,
)
from campaigns.lifecycle import FINAL_CONTACTS, ContactStatus, CorrectedFrom
from dialer.number_identity import ENDING_DIGITS

AGAIN = text("status = 'pending' AND tries > 0")  # as it is written, or the index is not used
MAY_EXPIRE = text("not_after IS NOT NULL AND final_at IS NULL")
IS_URGENT = text("status = 'pending' AND urgent")
HAS_KEY = text("key <> ''")
IS_LEAVING = text("withdrawal IS NOT NULL AND final_at IS NULL")
ENDING = "substr(phone, length(phone) - 3)"  # the last four digits of a number, as it is written
HAS_CLAIM, HAS_LEASE = text("claim IS NOT NULL"), text("lease_until IS NOT NULL")  # few contacts have, at any time

contacts = Table(
    "contacts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    # No foreign key, which PostgreSQL looks up for each row of a list: whoever adds contacts has locked the campaign's
    # row or has written it in the same transaction, and so has who removes a campaign.
    Column("campaign_id", Text, nullable=False),
    Column("line", Integer, nullable=False),  # of its list; of a contact that came later, its place among those
    Column("key", Text, nullable=False, server_default=""),  # its name in the caller's own system; blank: it has none
    Column("phone", Text, nullable=False),
    Column("phone_hash", Text),  # keyed: knows a number that was erased
    Column("consent", Text),  # the evidence, as the list has it
    Column("fields", JSON, nullable=False),
    Column("given", JSON(none_as_null=True)),  # cells of its row that `fields` does not hold as they were written
    Column("text", Text),  # what is said, as it was checked before launch
    Column("voice", JSON(none_as_null=True)),  # how it is said, where the contact's own row names it
    Column("zone", Text, nullable=False),
    Column("not_after", UtcTime),
    Column("status", Text, nullable=False),
    Column("reason", Sentence),
    Column("corrected", Text),  # what it had been taken for until a late receipt corrected it
    Column("response", Text),  # what the person meant who pressed a key in the last call in which one was pressed
    Column("withdrawal", Sentence),  # why it was withdrawn while a call of it was under way: no other is made
    Column("due_at", UtcTime, nullable=False),
    Column("reminder", Integer),  # of several of one appointment, the one that it waits for or was told last, from 1
    Column("urgent", Boolean, nullable=False, server_default=false()),  # claimed before the others of its campaign
    Column("caller_id", Text),  # of several numbers the one that it is shown, from its first claim on
    Column("claim", Uuid),
    Column("claimed_at", UtcTime),
    Column("lease_until", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),  # those that the provider accepted
    Column("tries", Integer, nullable=False, default=0),  # all of them
    Column("final_at", UtcTime),
    known_values("status", ContactStatus),
    known_values("corrected", CorrectedFrom),
    together("claimed", "status = 'claimed'", "claim", "lease_until"),
    together("final", one_of("status", FINAL_CONTACTS), "final_at"),
    CheckConstraint("final_at IS NULL OR reason IS NOT NULL", name="reason"),
    # A number stands once in a campaign, but for contacts of different keys.
    UniqueConstraint("phone", "campaign_id", "key"),
    Index("ix_contacts_campaign_id_status_due_at_id", "campaign_id", "status", "due_at", "id"),
    Index("ix_contacts_campaign_id_id", "campaign_id", "id"),  # as programs list them
    Index("ix_contacts_ending", text(f"({ENDING})")),
    partial_index("ix_contacts_claim", "claim", where=HAS_CLAIM),
    partial_index("ix_contacts_lease_until", "lease_until", where=HAS_LEASE),
    partial_index("ix_contacts_not_after", "not_after", where=MAY_EXPIRE),
    partial_index("ix_contacts_retries", "campaign_id", "due_at", where=AGAIN),
    partial_index("ix_contacts_urgent", "campaign_id", "due_at", where=IS_URGENT),
    partial_index("ix_contacts_leaving", "id", where=IS_LEAVING),
    partial_index("uq_contacts_key", "campaign_id", "key", where=HAS_KEY, unique=True),
)

rejected_rows = Table(
    "rejected_rows",  # of a campaign's list that became no contact, kept for reports
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("campaign_id", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Sentence, nullable=False),
    Column("cells", JSON(none_as_null=True)),  # as they were written; absent: emptied, or none was kept
    Index("ix_rejected_rows_campaign_id_line", "campaign_id", "line"),
)


def ending_with(table: Table, digits: str) -> ColumnElement[bool]:
    """Whether the number of a row ends with these digits, ENDING_DIGITS at the least: by the index of the last."""
    last = literal_column(ENDING.replace("phone", f"{table.name}.phone"), Text)
    return and_(last == digits[-ENDING_DIGITS:], table.c.phone.like(f"+%{digits}"))
