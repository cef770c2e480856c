"""Counts of contacts and attempts, kept by triggers of the store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, false, text

from campaigns.ledger.tables.columns import RowId, metadata, partial_index

# Counts of what is over, by triggers of the store (migration 0015): see `campaigns/ledger/tallies.py`.
UNFOLDED, FOLDED = text("NOT folded"), text("folded")


def tallies_of(
    name: str, *key: Column[Any], beside: Iterable[Column[Any]] = (), number: type[Integer] = Integer
) -> Table:
    """A table of counts: rows of the same key are to be added up. What stands `beside` is no part of the key."""
    return Table(
        name,
        metadata,
        Column("id", RowId, primary_key=True, autoincrement=True),
        *key,
        *beside,
        Column("number", number, nullable=False),  # to be added to the other rows'
        Column("folded", Boolean, nullable=False, default=False),  # the sum of earlier rows, one for each key
        Index(f"ix_{name}_campaign_id", "campaign_id"),
        partial_index(f"ix_{name}_unfolded", "id", where=UNFOLDED),
        partial_index(f"uq_{name}_folded", *(column.name for column in key), unique=True, where=FOLDED),
    )


contact_tallies = tallies_of(
    "contact_tallies",
    Column("campaign_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),  # blank: none was kept, or it holds a number of seven digits or more
)

attempt_tallies = tallies_of(
    "attempt_tallies",
    Column("campaign_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text, nullable=False),  # blank where there is none, as the next ones
    Column("outcome", Text, nullable=False),
    Column("counted", Boolean, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("reminder", Integer, nullable=False, server_default="0"),  # 0: the campaign has none
    Column("short", Boolean, nullable=False, server_default=false()),
    Column("variant", Text, nullable=False, server_default=""),
    Column("caller_id", Text, nullable=False, server_default=""),
    beside=[Column("minute", Integer)],  # since 1970, in which it was made; none where many are added up
)

response_tallies = tallies_of(
    "response_tallies",  # of contacts, by what they pressed
    Column("campaign_id", Text, nullable=False),
    Column("response", Text, nullable=False),
)

cost_tallies = tallies_of(
    "cost_tallies",  # what settled attempts cost, in millionths: see `campaigns/ledger/costs.py`
    Column("campaign_id", Text, nullable=False),
    Column("currency", Text, nullable=False),
    number=BigInteger,
)

call_times = Table(
    "call_times",  # settled attempts by when they were made: see `campaigns/ledger/tallies.py`
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("span", Integer, primary_key=True),  # seconds: a minute or an hour
    Column("starts", BigInteger, primary_key=True, autoincrement=False),  # seconds since 1970
    Column("outcome", Text, primary_key=True),  # or the status, where it has none
    Column("number", Integer, nullable=False),
    Index("ix_call_times_span_starts", "span", "starts"),
)
