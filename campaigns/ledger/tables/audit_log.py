"""The audit, and the ends of its chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from campaigns.ledger.tables.columns import RowId, Sentence, UtcTime, known_values, metadata
from campaigns.lifecycle import ChainEnd

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("campaign_id", Text),
    Column("detail", Sentence, nullable=False, default=""),
    # Its place in the chain and the hash there, which covers the line before: see `campaigns/ledger/audit_chain`.
    Column("place", BigInteger),  # absent in the first moments: it is not chained yet
    Column("hash", Text),
    # Listed the latest first, all of it and by each of its filters.
    Index("ix_audit_at", "at", "id"),
    Index("ix_audit_campaign_id_at", "campaign_id", "at", "id"),
    Index("ix_audit_who_at", "who", "at", "id"),
    Index("ix_audit_event_at", "event", "at", "id"),
    Index("uq_audit_place", "place", unique=True),
)

audit_chain = Table(
    "audit_chain",  # where the chain of the audit's lines begins and ends
    metadata,
    Column("name", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),  # of the last line that was removed, and of the last that is chained
    Column("hash", Text, nullable=False),
    Column("seal", Text, nullable=False),  # says by the ledger's key that we wrote this
    known_values("name", ChainEnd),
)
