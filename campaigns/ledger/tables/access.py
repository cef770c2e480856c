"""Who uses the console and its API: people, their sessions, tokens, and requests that are known again."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Table, Text, UniqueConstraint

from campaigns.ledger.tables.columns import RowId, Sentence, UtcTime, metadata

idempotency_keys = Table(
    "idempotency_keys",  # requests of programs, so that one that is sent again has the same answer
    metadata,
    Column("who", Text, primary_key=True),  # each program has keys of its own
    Column("key", Text, primary_key=True),  # as the program chose it
    Column("request", Text, nullable=False),  # a hash of what was asked for
    Column("contact_id", RowId, nullable=False),  # the call that it placed
    Column("at", UtcTime, nullable=False),
    Column("answer", JSON(none_as_null=True), nullable=True),  # what it was answered with, beside the call
    Index("ix_idempotency_keys_at", "at"),
)

tokens = Table(
    "tokens",  # of programs that use the console's API
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # stands in the audit, so no other token ever has it
    Column("secret_hash", Text, nullable=False),  # SHA-256 of a random secret: that itself is kept nowhere
    Column("scopes", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),  # to the minute
    Column("revoked_at", UtcTime),
    UniqueConstraint("name"),
    UniqueConstraint("secret_hash"),
)

users = Table(
    "users",  # people who use the console
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),  # stands in the audit, so no other person ever has it
    Column("password_hash", Text),  # argon2; absent for whoever logs in elsewhere only
    Column("identity", Text),  # at the OpenID Connect provider: issuer and subject
    Column("roles", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("disabled_at", UtcTime),
    Column("last_log_in_at", UtcTime),
    UniqueConstraint("name"),
    UniqueConstraint("identity"),
)

sessions = Table(
    "sessions",  # of people who have logged in, in one browser each
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("secret_hash", Text, nullable=False),  # SHA-256 of what the cookie holds
    Column("user_id", RowId, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),  # to the minute
    Column("expires_at", UtcTime, nullable=False),  # however much it is used
    Column("seen_from", Sentence, nullable=False),  # address and browser
    UniqueConstraint("secret_hash"),
    Index("ix_sessions_user_id", "user_id"),
)
