"""The frequency cap: how often one number may be called in a rolling window, by all campaigns and caller IDs together.

A call counts at the time of its request; a call handed over counts at its `send_at`. A rehearsal calls nobody: its
calls count for rehearsals only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, func, select, text

from campaigns.ledger.numbers.spellings import same_phone
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus
from dialer.number_identity import identity, spellings

if TYPE_CHECKING:
    from campaigns.definition.sections.frequency import Cap

others, mine, theirs = contacts.alias("others"), campaigns.alias("mine"), campaigns.alias("theirs")
calls = attempts.join(others, others.c.id == attempts.c.contact_id).join(theirs, theirs.c.id == attempts.c.campaign_id)
placed_at = func.coalesce(attempts.c.send_at, attempts.c.dialing_at)


def lock_numbers(db: Connection, phones: Iterable[str]) -> None:
    """Lock these numbers until this transaction ends, so that counts of their calls are made one after the other.

    SQLite has one writer anyway.
    """
    if db.dialect.name == "postgresql":
        keys = sorted(
            {
                int.from_bytes(hashlib.sha256(phone.encode()).digest()[:8], signed=True)
                for phone in map(identity, phones)
            }
        )
        lock_all = "SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key"
        db.execute(text(lock_all), {"keys": keys})


def under_the_caps(caps: Sequence[Cap], at: datetime) -> ColumnElement[bool]:
    """Whether the contact row of the enclosing query may be called once more, at this moment.

    Calls surely never placed do not count.
    """
    return and_(
        *(
            select(func.count())
            .select_from(calls, mine)
            .where(mine.c.id == contacts.c.campaign_id, theirs.c.rehearsal == mine.c.rehearsal)
            .where(same_phone(others.c.phone, contacts.c.phone), *_counts(cap, at))
            .correlate(contacts)
            .scalar_subquery()
            < cap.calls
            for cap in caps
        )
    )


def cap_clears_at(
    db: Connection, phone: str, caps: Sequence[Cap], at: datetime, *, rehearsal: bool
) -> tuple[datetime, Cap] | None:
    """When the number may be called again, and by which cap not before; None if it may be called at this moment."""
    held: list[tuple[datetime, Cap]] = []
    for cap in caps:
        latest = (
            select(placed_at)
            .select_from(calls)
            .where(others.c.phone.in_(spellings(phone)), theirs.c.rehearsal == rehearsal, *_counts(cap, at))
            .order_by(placed_at.desc())
            .limit(cap.calls)
        )
        placed = db.scalars(latest).all()
        if len(placed) == cap.calls:
            held.append((placed[-1] + cap.window, cap))
    return max(held, key=lambda entry: entry[0], default=None)


def calls_since(db: Connection, since: datetime, *, rehearsal: bool) -> dict[str, list[datetime]]:
    """The calls that count for the caps, or will, from this moment on, by the phone's identity; the earliest first."""
    query = (
        select(others.c.phone, placed_at.label("at"))
        .select_from(calls)
        .where(placed_at > since, theirs.c.rehearsal == rehearsal, _maybe_placed())
        .order_by(placed_at)
    )
    calls_by_phone: dict[str, list[datetime]] = {}
    for phone, at in db.execute(query):
        calls_by_phone.setdefault(identity(phone), []).append(at)
    return calls_by_phone


def _counts(cap: Cap, at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Calls that share a window with this moment: before it, and those handed over for soon after it."""
    near = (placed_at > at - cap.window, placed_at < at + cap.window)
    return *near, _maybe_placed()


def _maybe_placed() -> ColumnElement[bool]:
    return attempts.c.status != AttemptStatus.NOT_PLACED
