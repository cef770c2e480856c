"""The frequency cap: how often one number may be called in a rolling window, whoever calls it and from which number."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, text

from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus
from campaigns.sections.frequency import Cap

others = contacts.alias("others")


def lock_numbers(db: Connection, phones: Iterable[str]) -> None:
    """Make whoever counts the calls to these numbers wait for this transaction's end. SQLite has one writer anyway."""
    if db.dialect.name == "postgresql":
        keys = sorted({int.from_bytes(hashlib.sha256(phone.encode()).digest()[:8], signed=True) for phone in phones})
        each = "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"
        db.execute(text(each), {"keys": keys})


def under_the_caps(caps: Sequence[Cap], now: datetime) -> ColumnElement[bool]:
    """Whether the contact at hand may be called once more. Calls that were surely never placed do not count."""
    return and_(
        *(
            select(func.count())
            .select_from(attempts.join(others, others.c.id == attempts.c.contact_id))
            .where(others.c.phone == contacts.c.phone, *_counts(now - cap.window))
            .correlate(contacts)
            .scalar_subquery()
            < cap.calls
            for cap in caps
        )
    )


def cap_clears_at(db: Connection, phone: str, caps: Sequence[Cap], now: datetime) -> tuple[datetime, Cap] | None:
    """When the number may be called again, and by which cap not before; None if it may be called now."""
    held: list[tuple[datetime, Cap]] = []
    for cap in caps:
        latest = (
            select(attempts.c.dialing_at)
            .join(others, others.c.id == attempts.c.contact_id)
            .where(others.c.phone == phone, *_counts(now - cap.window))
            .order_by(attempts.c.dialing_at.desc())
            .limit(cap.calls)
        )
        calls = db.scalars(latest).all()
        if len(calls) == cap.calls:
            held.append((calls[-1] + cap.window, cap))
    return max(held, key=lambda one: one[0], default=None)


def _counts(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return attempts.c.dialing_at > since, attempts.c.status != AttemptStatus.NOT_PLACED
