"""Receipts as they came: append-only, unique by event, so that a repeat is answered politely and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.ledger.tables import receipts
from dialer.calls import Outcome, Progress, Receipt


def store(db: Connection, account: str, heard: Sequence[Receipt], body: str, *, now: datetime) -> int:
    """Keep receipts with the body they came in; returns how many were new."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    fresh = 0
    for receipt in heard:
        line = {
            "account": account,
            "event_id": receipt.event_id,
            "provider_call_id": receipt.provider_call_id,
            "correlation_id": receipt.correlation_id,
            "word": receipt.word,
            "code": receipt.code,
            "progress": receipt.progress,
            "outcome": receipt.outcome,
            "occurred_at": receipt.occurred_at,
            "received_at": now,
            "body": body,
        }
        stored = insert(receipts).values(**line).on_conflict_do_nothing().returning(receipts.c.id)
        fresh += len(db.execute(stored).all())  # of an insert that returns its key no row count is kept
    return fresh


def receipts_of(db: Connection, attempt_id: UUID) -> list[Receipt]:
    """All receipts of one attempt, in the order they were received."""
    rows = db.execute(select(receipts).where(receipts.c.attempt_id == attempt_id).order_by(receipts.c.id))
    return [
        Receipt(
            event_id=row.event_id,
            provider_call_id=row.provider_call_id,
            correlation_id=row.correlation_id,
            word=row.word,
            code=row.code,
            progress=Progress(row.progress) if row.progress else None,
            outcome=Outcome(row.outcome) if row.outcome else None,
            occurred_at=row.occurred_at,
        )
        for row in rows
    ]
