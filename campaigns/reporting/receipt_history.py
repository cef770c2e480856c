"""All receipts of a contact's calls, those with an unknown event among them, and what each means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger.tables import attempts, receipts

UNKNOWN_EVENT = "a word we do not know: kept, and moves nothing"
UNCERTAIN = "counts when nothing better is heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One receipt; the names are those of `explain --json`.

    `number` is that of the attempt, `word` and `code` are the provider's own, `means` says in a few words what follows.
    """

    campaign: str
    number: int
    received_at: datetime
    occurred_at: datetime | None
    word: str
    code: str | None
    means: str


def receipt_lines(db: Connection, contact_ids: Sequence[int]) -> list[ReceiptLine]:
    """The receipts of these contacts' calls, in the order in which they were received."""
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
            means=_meaning(row.progress, row.outcome, row.pressed or ()),
        )
        for row in db.execute(query)
    ]


def _meaning(progress: str | None, outcome: str | None, pressed: Sequence[str]) -> str:
    if pressed:
        return ", ".join([*([progress] if progress else []), f"pressed {', '.join(pressed)}"])
    if progress is None:
        return f"{outcome}: {UNCERTAIN}" if outcome else UNKNOWN_EVENT
    return f"{progress}: {outcome}" if outcome else progress
