"""The retries to come of a campaign: when, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, select

from campaigns.ledger.tables import AGAIN, contacts

MOST_LISTED = 1_000  # retries: the nearest ones, however many there are
STEPS = tuple(timedelta(minutes=minutes) for minutes in (10, 60, 6 * 60, 24 * 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySpan:
    """So many contacts are due for another try in this time; `until` is None for all that is later."""

    first_at: datetime
    until: datetime | None
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriesToCome:
    """The nearest retries by when they are due; `more`: there are others, later than all of these."""

    spans: Sequence[RetrySpan]
    contacts: int
    more: bool


def retries_to_come(db: Connection, campaign_id: str, now: datetime) -> RetriesToCome:
    """When the contacts that were tried and not reached are due again; the nearest MOST_LISTED of them."""
    again = select(contacts.c.due_at).where(contacts.c.campaign_id == campaign_id, AGAIN)
    again = again.with_hint(contacts, "INDEXED BY ix_contacts_retries", "sqlite")
    due = db.scalars(again.order_by(contacts.c.due_at).limit(MOST_LISTED + 1)).all()
    listed = due[:MOST_LISTED]
    by_step = {step: list(some) for step, some in groupby(listed, lambda at: _step(at - now))}
    spans = [
        RetrySpan(first_at=some[0], until=None if step is None else now + step, contacts=len(some))
        for step, some in by_step.items()
    ]
    return RetriesToCome(spans=spans, contacts=len(listed), more=len(due) > MOST_LISTED)


def _step(ahead: timedelta) -> timedelta | None:
    return next((step for step in STEPS if ahead < step), None)
