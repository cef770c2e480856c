"""The suppression list: numbers not to be called, each with a reason and a date."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from campaigns.ledger.tables import suppressions


def suppress(
    db: Connection, phone: str, *, reason: str, source: str, now: datetime, expires_at: datetime | None = None
) -> bool:
    """Put a number (E.164) on the list; False if it is there already, whose reason then stays."""
    if is_suppressed(db, phone):
        return False
    line = {"phone": phone, "reason": reason, "source": source, "added_at": now, "expires_at": expires_at}
    db.execute(insert(suppressions).values(**line))
    return True


def is_suppressed(db: Connection, phone: str) -> bool:
    """True while the number is on the list, expired or not."""
    return db.execute(select(suppressions.c.id).where(suppressions.c.phone == phone)).first() is not None
