"""Webhooks, and the events that are delivered to them."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint, Uuid, text

from campaigns.ledger.tables.columns import RowId, Sentence, UtcTime, known_values, metadata, partial_index, together
from campaigns.lifecycle import DeliveryState, WebhookState

webhooks = Table(
    "webhooks",  # addresses that are told what happens
    metadata,
    Column("name", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False),  # of the events that it is told, each between two blanks
    Column("include", JSON, nullable=False),  # what of a person its events name
    Column("salt", Text, nullable=False),  # of its secret, which stands in no ledger: see `dialer/signing.py`
    Column("old_salt", Text),  # of the secret before, which signs too until `old_until`
    Column("old_until", UtcTime),
    Column("state", Text, nullable=False),
    Column("reason", Sentence, nullable=False),  # why it has this state
    Column("since", UtcTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("failing_since", UtcTime),  # since when nothing could be delivered
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("next_at", UtcTime, nullable=False),  # nothing is sent before
    Column("last_answer", Sentence, nullable=False, default=""),
    Column("delivered", Integer, nullable=False, default=0),
    Column("refused", Integer, nullable=False, default=0),  # requests that delivered nothing
    Column("given_up", Integer, nullable=False, default=0),
    Column("lease", Uuid),  # of the task that delivers
    Column("lease_until", UtcTime),
    known_values("state", WebhookState),
    together("leased", "lease IS NOT NULL", "lease_until"),
)

IS_PENDING, HAS_FAILED = text("state = 'pending'"), text("state = 'failed'")
STREAM = "(events)"  # a webhook that is none: its events are read by those who ask for them, and sent to nobody
IS_STREAMED = text("webhook = '(events)'")
IS_ALERT = text("kind LIKE 'alert.%'")

deliveries = Table(
    "deliveries",  # one event for one webhook: written by triggers of the store (migration 0019)
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    # No foreign key: a removal waits for no move. What is written for a webhook that is gone is purged with the rest.
    Column("webhook", Text, nullable=False),
    Column("event_id", Text, nullable=False),  # the same however often it is sent
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # what it is about: events about the same are delivered in their order
    Column("campaign_id", Text, nullable=False),
    Column("contact_id", RowId),
    Column("attempt_id", Uuid),
    Column("at", UtcTime, nullable=False),
    Column("facts", JSON, nullable=False),  # as they were then; no number, no text
    Column("reason", Sentence),  # a campaign's; a contact's is read when the event is sent
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("next_at", UtcTime, nullable=False),
    Column("waits_since", UtcTime),  # by the store's clock: `at` may be long ago when a call's end is learnt late
    Column("answer", Sentence),
    Column(
        "xact", BigInteger
    ),  # PostgreSQL writes the number of the transaction: see `campaigns/ledger/event_stream.py`
    known_values("state", DeliveryState),
    UniqueConstraint("event_id"),
    Index("ix_deliveries_at", "at"),
    partial_index("ix_deliveries_pending", "webhook", "id", where=IS_PENDING),
    partial_index("ix_deliveries_failed", "webhook", "id", where=HAS_FAILED),
    partial_index("ix_deliveries_order", "webhook", "subject", "id", where=IS_PENDING),
    partial_index("ix_deliveries_streamed", "xact", "id", where=IS_STREAMED),
    partial_index("ix_deliveries_alerts", "campaign_id", "kind", where=IS_ALERT),
)
