"""The audit: who did what to what, filtered by campaign, person, kind of act and period, the latest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, func, select, tuple_

from campaigns.audience.formulas import harmless
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit
from campaigns.reporting.listings import mask_numbers

COLUMNS = ("at", "who", "event", "campaign", "detail")
EXPORTED_AT_ONCE = 5000
MAX_WORDS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the audit; the names are those of the API."""

    id: int
    at: datetime
    who: str
    event: str
    campaign: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines are wanted: those that meet all of what is given. `since` is the first moment, `until` is after it.

    Each field, and the period with each of them, has an index.
    """

    campaign: str | None = None
    who: str | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = AuditFilter()


def audit_after(
    db: Connection,
    wanted: AuditFilter = EVERYTHING,
    *,
    limit: int,
    after: tuple[datetime, int] | None = None,
    numbers: bool = False,
) -> list[AuditLine]:
    """The next `limit` lines after the line of this moment and id, the latest first.

    Phone numbers are masked, but where a caller may see them (`numbers`).
    """
    query = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)
    for column, value in (
        (audit.c.campaign_id, wanted.campaign),
        (audit.c.who, wanted.who),
        (audit.c.event, wanted.event),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if after is not None:
        query = query.where(tuple_(audit.c.at, audit.c.id) < tuple_(*after))
    return [
        AuditLine(
            id=row.id,
            at=row.at,
            who=row.who,
            event=row.event,
            campaign=row.campaign_id,
            detail=row.detail if numbers else mask_numbers(row.detail) or "",
        )
        for row in db.execute(query)
    ]


def people_and_events(db: Connection) -> tuple[list[str], list[str]]:
    """Every name and every kind of act in the audit, at most 500 of each; the query takes no longer in a long audit."""
    return _each_once(db, audit.c.who), _each_once(db, audit.c.event)


def _each_once(db: Connection, column: Column[str]) -> list[str]:
    """The values of a column with an index, each found by one look into it."""
    first = select(func.min(column).label("word")).cte("words", recursive=True)
    following = select(func.min(column)).where(column > first.c.word).scalar_subquery()
    words = first.union_all(select(following).where(first.c.word.is_not(None)))
    return list(db.scalars(select(words.c.word).where(words.c.word.is_not(None)).limit(MAX_WORDS)))


def audit_cells(ledger: Ledger, wanted: AuditFilter = EVERYTHING, *, numbers: bool = False) -> Iterator[Sequence[str]]:
    """The rows of a CSV file with the lines that are wanted, the latest first, its header before them.

    They are read in parts, so that nobody's write waits for the reader.
    """
    yield COLUMNS
    after = None
    while True:
        with ledger.reading() as db:
            lines = audit_after(db, wanted, limit=EXPORTED_AT_ONCE, after=after, numbers=numbers)
        for line in lines:
            texts = (line.who, line.event, line.campaign or "", line.detail)
            yield [line.at.isoformat(), *map(harmless, texts)]
        if len(lines) < EXPORTED_AT_ONCE:
            return
        after = (lines[-1].at, lines[-1].id)
