"""What an operator asks all day, and what a tick does, at ten thousand contacts and at a million."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from statistics import median
from uuid import uuid4

from sqlalchemy import Connection, func, select

from benchmarks.figures import Figures
from campaigns.ledger import claims, queries
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.reporting.listings import latest_attempts
from campaigns.reporting.status import summarize_campaign
from console.web.ledger_metrics import ledger_metrics
from tests.support import postgres
from tests.support.large_ledger import NOW, large_ledger

SIZES = (10_000, 100_000, 1_000_000)
TIMES = 7


def measure() -> Iterator[Figures]:
    """Both stores, one after the other."""
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as folder:
        yield _questions("SQLite", [_asked(f"sqlite:///{folder}/{size}.sqlite3", size) for size in SIZES])
    with postgres.server() as server:
        rows = []
        for size in SIZES:
            with postgres.database(server) as url:
                rows.append(_asked(url, size))
        yield _questions("PostgreSQL", rows)


def _questions(store: str, rows: Sequence[list[str]]) -> Figures:
    return Figures(
        title=f"One campaign of N contacts on {store}, 60 % of them called: milliseconds",
        columns=(
            "contacts",
            "counted anew",
            "status",
            "metrics",
            "claim of 50",
            "latest 50 attempts",
            "a sweep's look",
        ),
        rows=rows,
        note="Medians of seven. Counted anew: the statements of 18de8bf. Status: all that `dialer status` asks.",
    )


def _asked(url: str, size: int) -> list[str]:
    with large_ledger(url, size) as (ledger, campaign_id):
        with ledger.reading() as db:
            campaign = queries.campaign(db, campaign_id)

        def claim() -> float:
            claim_id, lease = uuid4(), NOW + timedelta(seconds=30)
            took = _milliseconds(
                lambda: ledger.write(
                    claims.claim_due, campaign_id, claim_id, 50, now=NOW, lease_until=lease, in_list_order=False
                )
            )
            with ledger.reading() as db:
                ids = db.scalars(select(contacts.c.id).where(contacts.c.claim == claim_id)).all()
            ledger.write(claims.give_back, claim_id, ids)
            return took

        def look() -> None:
            ledger.write(claims.expire, NOW)
            ledger.write(claims.cancel_left, NOW)
            with ledger.reading() as db:
                queries.unfinished(db, campaign_id)

        figures = (
            _reading(ledger, lambda db: _counted_anew(db, campaign_id)),
            _reading(ledger, lambda db: summarize_campaign(db, campaign, NOW)),
            _reading(ledger, _metrics),
            median(claim() for _ in range(TIMES)),
            _reading(ledger, lambda db: latest_attempts(db, campaign_id, 50)),
            median(_milliseconds(look) for _ in range(TIMES)),
        )
        return [f"{size:,}", *(f"{figure:,.1f}" for figure in figures)]


def _counted_anew(db: Connection, campaign_id: str) -> None:
    """What told how a campaign stands before the ledger kept counts."""
    of_campaign = attempts.c.campaign_id == campaign_id
    for column in (attempts.c.status, attempts.c.outcome):
        db.execute(select(column, func.count()).where(of_campaign, column.is_not(None)).group_by(column)).all()
    db.scalar(select(func.count()).where(of_campaign, attempts.c.counted.is_(True)))
    pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == "pending")
    db.scalar(select(func.count()).where(*pending, contacts.c.due_at <= NOW))
    by_status = select(contacts.c.status, func.count()).where(contacts.c.campaign_id == campaign_id)
    db.execute(by_status.group_by(contacts.c.status)).all()


def _metrics(db: Connection) -> None:
    list(ledger_metrics(db, ("main",), NOW))


def _reading(ledger: Ledger, ask: Callable[[Connection], object]) -> float:
    def asked() -> None:
        with ledger.reading() as db:
            ask(db)

    return median(_milliseconds(asked) for _ in range(TIMES))


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)
