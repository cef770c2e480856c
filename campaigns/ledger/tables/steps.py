"""What the dialer's own steps note of their work."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from campaigns.ledger.tables.columns import Sentence, UtcTime, known_values, metadata
from campaigns.lifecycle import Step

faults = Table(
    "faults",  # what the dialer's own steps raised
    metadata,
    Column("step", Text, primary_key=True),
    Column("account", Text, primary_key=True),  # blank where it is no account's
    Column("campaign_id", Text, primary_key=True),  # blank where it is the account's as a whole
    Column("times", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("error", Sentence, nullable=False),
    known_values("step", Step),
)

ticks = Table(
    "ticks",  # when a step that is done again and again was last at work
    metadata,
    Column("step", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
)
