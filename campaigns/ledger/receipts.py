"""Receipts as they came: append-only, unique by event id, so that a repeat is accepted and not stored again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.tables import receipts
from dialer.calls import Outcome, Progress, Receipt
from dialer.providers.bounds import believed_since

OLDEST = timedelta(days=30)  # no receipt is about a time before


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One POST of a provider to an account's receipts URL: the receipts in it, and its body."""

    account: str
    heard: Sequence[Receipt]
    body: str = field(repr=False)


def store(db: Connection, deliveries: Sequence[Delivery], *, now: datetime) -> list[int]:
    """Keep the receipts of deliveries; returns how many of each were new."""
    lines: dict[tuple[str, str], dict[str, object]] = {}
    owner: dict[tuple[str, str], int] = {}
    for number, delivery in enumerate(deliveries):
        for receipt in delivery.heard:
            key = delivery.account, receipt.event_id
            if key not in lines:
                lines[key], owner[key] = _line(delivery, receipt, now), number
    named = (receipts.c.account, receipts.c.event_id)
    stored = db.execute(
        insert_into(db, receipts).on_conflict_do_nothing().returning(*named), list(lines.values())
    ).all()
    fresh = [0] * len(deliveries)
    for account, event_id in stored:
        fresh[owner[account, event_id]] += 1
    return fresh


def are_stored(db: Connection, account: str, event_ids: Collection[str]) -> bool:
    """Whether the account's receipts of all these events are stored."""
    stored = select(func.count()).where(receipts.c.account == account, receipts.c.event_id.in_(event_ids))
    return db.scalar(stored) == len(set(event_ids))


def _line(delivery: Delivery, receipt: Receipt, now: datetime) -> dict[str, object]:
    return {
        "account": delivery.account,
        "event_id": receipt.event_id,
        "provider_call_id": receipt.provider_call_id,
        "correlation_id": receipt.correlation_id,
        "word": receipt.word,
        "code": receipt.code,
        "progress": receipt.progress,
        "outcome": receipt.outcome,
        "occurred_at": believed_since(receipt.occurred_at, now - OLDEST, now),
        "received_at": now,
        "pressed": list(receipt.pressed) or None,
        "body": delivery.body,
    }


def keep_tags(
    db: Connection, account: str, attempt_id: UUID, call: str | None, tags: Sequence[str], now: datetime
) -> bool:
    """Keep tags that the provider was seen to have for a call, as a receipt is kept; False if they were kept before."""
    line = {
        "account": account,
        "event_id": f"tags:{attempt_id}:{','.join(tags)}",
        "attempt_id": attempt_id,
        "provider_call_id": call,
        "correlation_id": attempt_id,
        "word": "tags",
        "received_at": now,
        "applied_at": now,
        "pressed": list(tags),
        "body": "",
    }
    kept = insert_into(db, receipts).values(line).on_conflict_do_nothing().returning(receipts.c.id)
    return db.execute(kept).first() is not None


def receipts_of(db: Connection, attempt_id: UUID) -> list[Receipt]:
    """All receipts of one attempt, in the order they were received."""
    return receipts_by_attempt(db, [attempt_id]).get(attempt_id, [])


def receipts_by_attempt(db: Connection, attempt_ids: Iterable[UUID]) -> dict[UUID, list[Receipt]]:
    """All receipts of these attempts, those of each in the order they were received."""
    query = select(receipts).where(receipts.c.attempt_id.in_(list(attempt_ids))).order_by(receipts.c.id)
    by_attempt: dict[UUID, list[Receipt]] = {}
    for row in db.execute(query):
        by_attempt.setdefault(row.attempt_id, []).append(_receipt(row))
    return by_attempt


def _receipt(row: Row[tuple[object, ...]]) -> Receipt:
    return Receipt(
        event_id=row.event_id,
        provider_call_id=row.provider_call_id,
        correlation_id=row.correlation_id,
        word=row.word,
        code=row.code,
        progress=Progress(row.progress) if row.progress else None,
        outcome=Outcome(row.outcome) if row.outcome else None,
        occurred_at=row.occurred_at,
        pressed=tuple(row.pressed or ()),
    )
