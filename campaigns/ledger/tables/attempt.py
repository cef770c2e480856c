"""Attempts, and the receipts of their calls."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
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
from campaigns.lifecycle import SETTLED_ATTEMPTS, AttemptStatus, CorrectedFrom

IS_OPEN = text("ended_at IS NULL")
HAS_PRICE = text("currency IS NOT NULL")

attempts = Table(
    "attempts",
    metadata,
    Column("id", Uuid, primary_key=True),  # our correlation id
    Column("contact_id", RowId, ForeignKey("contacts.id"), nullable=False),
    Column("campaign_id", Text, ForeignKey("campaigns.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("caller_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("verdict", Text),
    Column("outcome", Text),
    Column("mnemonic", Text),
    Column("code", Text),
    Column("detail", Sentence),
    Column("corrected", Text),  # what it had been taken for until a late receipt corrected it
    Column("provider_call_id", Text),
    Column("counted", Boolean, nullable=False, default=False),  # the provider accepted it
    Column("zone", Text),  # the contact's assumed zone, its local hour, and what allowed the call
    Column("local_time", Text),
    Column("allowed_by", Text),
    Column("scheduled_at", UtcTime, nullable=False),
    Column("queued_at", UtcTime),
    Column("dialing_at", UtcTime, nullable=False),
    Column("placed_at", UtcTime),
    Column("answered_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("talk_seconds", Float),
    Column("response", Text),  # as the campaign's `responses` has it
    Column("short", Boolean, nullable=False, server_default=false()),  # answered, and over before enough was said
    Column("doubted_at", UtcTime),  # since when it is not known whether it was placed
    Column("confirmed_by", Text),  # the evidence that settled that
    Column("ended_by", Text),  # the evidence of its end
    Column("next_attempt_at", UtcTime),
    Column("reminder", Integer),  # which of several it tells
    Column("variant", Text),  # which of several texts it says
    Column("script_seconds", Float, nullable=False),
    # What it costs by the prices it was opened with, in millionths; see `campaigns/safeguards/costs.py`.
    Column("currency", Text),
    Column("call_price", BigInteger),
    Column("part_price", BigInteger),  # of each part of the talk that is begun
    Column("part_seconds", Integer),
    Column("kept_back", BigInteger),  # until it has ended
    Column("conclude_at", UtcTime),  # when a sweep decides, should nothing be heard
    Column("looked_at", Float),  # unix time of the last look at the calls in progress that could have shown it
    Column("send_at", UtcTime),  # the provider was asked to place it then, and not before
    Column("gone_at", UtcTime),  # when the list of calls first missed it, where something better may tell how it ended
    Column("looks", Integer, nullable=False, default=0),
    Column("longest_gap", Float, nullable=False, default=0.0),  # seconds between two such looks
    Column("seen", Boolean, nullable=False, default=False),
    Column("puzzled", Boolean, nullable=False, default=False),  # it was seen with a word we do not know
    known_values("status", AttemptStatus),
    known_values("corrected", CorrectedFrom),
    together("settled", one_of("status", SETTLED_ATTEMPTS), "ended_at"),
    CheckConstraint("status NOT IN ('ended', 'unknown') OR outcome IS NOT NULL", name="outcome"),
    CheckConstraint("status <> 'answered' OR answered_at IS NOT NULL", name="answered"),
    CheckConstraint("corrected IS NULL OR status = 'ended'", name="correction"),
    UniqueConstraint("contact_id", "number"),
    Index("ix_attempts_status_conclude_at", "status", "conclude_at"),
    Index("ix_attempts_account_provider_call_id", "account", "provider_call_id"),
    Index("ix_attempts_campaign_id_dialing_at", "campaign_id", "dialing_at"),
    Index("ix_attempts_caller_id_dialing_at", "caller_id", "dialing_at"),
    partial_index("ix_attempts_open", "campaign_id", where=IS_OPEN),
    partial_index("ix_attempts_priced", "campaign_id", "kept_back", where=HAS_PRICE),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("attempt_id", Uuid),
    Column("provider_call_id", Text),
    Column("correlation_id", Uuid),
    Column("word", Text, nullable=False),
    Column("code", Text),
    Column("progress", Text),
    Column("outcome", Text),
    Column("occurred_at", UtcTime),
    Column("received_at", UtcTime, nullable=False),
    Column("applied_at", UtcTime),  # absent: it has not found its attempt yet
    Column("pressed", JSON(none_as_null=True)),  # keys that were pressed, or tags of the call
    Column("body", Text, nullable=False),  # as it came
    UniqueConstraint("account", "event_id"),
    Index("ix_receipts_attempt_id", "attempt_id"),
    Index("ix_receipts_account_provider_call_id", "account", "provider_call_id"),
    Index("ix_receipts_applied_at", "applied_at"),
)
