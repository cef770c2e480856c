"""What of people is to be emptied, was emptied, or was moved into files."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from campaigns.ledger.tables.columns import RowId, UtcTime, known_values, metadata
from campaigns.retention_periods import Kept

erasures = Table(
    "erasures",  # asked for while a call was in progress: done when it ends
    metadata,
    Column("contact_id", RowId, ForeignKey("contacts.id"), primary_key=True, autoincrement=False),
    Column("who", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
)

retention_done = Table(
    "retention_done",  # what was emptied of an ended campaign because its time was over
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("kept", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("number", Integer, nullable=False),  # of contacts or receipts that were emptied
    known_values("kept", Kept),
    Index("ix_retention_done_at", "at"),
)

archives = Table(
    "archives",  # ended campaigns whose contacts, attempts and receipts were moved into files; their counts stay
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("folder", Text, nullable=False),  # of the files, as it was named on the machine that wrote them
    Column("manifest_hash", Text, nullable=False),  # of the file that names the others with their hashes
    Column("last_receipt", RowId, nullable=False),  # the newest in the files; 0: there is none
    Column("who", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),  # when nothing of it was left here
)
