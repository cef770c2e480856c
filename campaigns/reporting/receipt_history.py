"""What a provider told about a contact's calls: every receipt, in the order they were received, unknown ones too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger.tables import attempts, receipts

UNKNOWN = "a word we do not know: kept, and moves nothing"
SUSPICION = "counts when nothing better is heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One receipt: for which try, when it came and happened, in the provider's words, and what it means to us."""

    campaign: str
    number: int
    received_at: datetime
    occurred_at: datetime | None
    word: str
    code: str | None
    means: str


def receipt_lines(db: Connection, contact_ids: Sequence[int]) -> list[ReceiptLine]:
    """Everything that was heard of these contacts' calls."""
    query = (
        select(receipts, attempts.c.number, attempts.c.campaign_id)
        .join(attempts, attempts.c.id == receipts.c.attempt_id)
        .where(attempts.c.contact_id.in_(contact_ids))
        .order_by(receipts.c.id)
    )
    return [
        ReceiptLine(
            campaign=row.campaign_id,
            number=row.number,
            received_at=row.received_at,
            occurred_at=row.occurred_at,
            word=row.word,
            code=row.code,
            means=_meaning(row.progress, row.outcome),
        )
        for row in db.execute(query)
    ]


def _meaning(progress: str | None, outcome: str | None) -> str:
    if progress is None:
        return f"{outcome}: {SUSPICION}" if outcome else UNKNOWN
    return f"{progress}: {outcome}" if outcome else progress
