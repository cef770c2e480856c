"""The suppression list: numbers not to be called, each with a reason and a date."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.ledger.tables import suppressions


def suppress(
    db: Connection, phone: str, *, reason: str, source: str, now: datetime, expires_at: datetime | None = None
) -> bool:
    """Put a number (E.164) on the list; False if it is there for as long already, whose reason then stays."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    line = {"reason": reason, "source": source, "added_at": now, "expires_at": expires_at}
    there, ends = suppressions.c.expires_at, expires_at
    shorter = there.is_not(None) if ends is None else there < ends
    statement = insert(suppressions).values(phone=phone, **line)
    upsert = statement.on_conflict_do_update(index_elements=["phone"], set_=line, where=shorter)
    return db.execute(upsert.returning(suppressions.c.id)).first() is not None
