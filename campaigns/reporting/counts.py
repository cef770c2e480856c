"""Counts over all campaigns, for metrics; and all attempts, for the comparison with a sandbox's log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from campaigns.ledger.tables import attempts, campaigns, contacts, receipts
from campaigns.lifecycle import FINAL_CONTACTS

Rows = Sequence[Row[Any]]


def campaigns_by_status(db: Connection) -> Rows:
    """Rows of a status and how many campaigns have it."""
    return db.execute(select(campaigns.c.status, func.count()).group_by(campaigns.c.status)).all()


def contacts_by_status(db: Connection, *, ended_after: datetime) -> Rows:
    """Rows of a campaign, a status and how many of its contacts have it: campaigns that go on, or ended after then."""
    shown = or_(campaigns.c.finished_at.is_(None), campaigns.c.finished_at > ended_after)
    return db.execute(
        select(contacts.c.campaign_id, contacts.c.status, func.count())
        .where(contacts.c.campaign_id.in_(select(campaigns.c.id).where(shown)))
        .group_by(contacts.c.campaign_id, contacts.c.status)
    ).all()


def attempts_by_result(db: Connection) -> Rows:
    """Rows of an account, a verdict, an outcome and how many attempts have them; None where there is none yet."""
    labels = (attempts.c.account, attempts.c.verdict, attempts.c.outcome)
    return db.execute(select(*labels, func.count()).group_by(*labels)).all()


def receipts_waiting(db: Connection) -> Rows:
    """Rows of an account and how many of its receipts have not found their attempt yet."""
    waiting = select(receipts.c.account, func.count()).where(receipts.c.applied_at.is_(None))
    return db.execute(waiting.group_by(receipts.c.account)).all()


def all_attempts(db: Connection) -> dict[str, Row[Any]]:
    """Every attempt of the ledger by its id: for ledgers as small as a demo's."""
    return {str(row.id): row for row in db.execute(select(attempts))}


def contacts_not_final(db: Connection) -> Sequence[int]:
    """The ids of contacts without a final status."""
    return db.scalars(select(contacts.c.id).where(contacts.c.status.not_in(FINAL_CONTACTS))).all()
