"""The suppression list."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text, UniqueConstraint, text

from campaigns.ledger.tables.columns import RowId, Sentence, UtcTime, metadata
from campaigns.ledger.tables.contact import ENDING

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("phone", Text, nullable=False),  # E.164, or the keyed hash of a number that was erased
    Column("account", Text, nullable=False, server_default=""),  # blank: every account
    Column("reason", Sentence, nullable=False),
    Column("source", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    UniqueConstraint("phone", "account"),
    Index("ix_suppressions_ending", text(f"({ENDING})")),
)
