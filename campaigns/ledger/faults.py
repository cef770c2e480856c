"""Faults: what the dialer's own steps raised, counted by step, account and campaign, for `status` and the metrics."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from campaigns.ledger.tables import faults
from campaigns.lifecycle import Step

IS_NEWS = timedelta(seconds=30)  # for so long the last fault is shown


def note_fault(db: Connection, step: Step, *, account: str, campaign_id: str, error: str, now: datetime) -> None:
    """Count a fault. `error` names it without anybody's number or text."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    key = {"step": step, "account": account, "campaign_id": campaign_id}
    first = insert(faults).values(**key, times=1, last_at=now, error=error)
    again = {"times": faults.c.times + 1, "last_at": now, "error": error}
    db.execute(first.on_conflict_do_update(index_elements=list(key), set_=again))


def latest_fault(db: Connection, campaign_id: str, account: str, now: datetime) -> Row[Any] | None:
    """The last fault of the campaign, or of its account as a whole, if it is news."""
    of_account = and_(faults.c.account == account, faults.c.campaign_id == "")
    query = select(faults).where(or_(faults.c.campaign_id == campaign_id, of_account), faults.c.last_at > now - IS_NEWS)
    return db.execute(query.order_by(faults.c.last_at.desc()).limit(1)).first()
