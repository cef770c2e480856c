"""What the store tells of one campaign at one moment, in one statement: its ticks, its requests, its next call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select

from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts, ticks
from campaigns.lifecycle import ContactStatus, Step

DIALED_LATELY = timedelta(seconds=5)  # a request that left so long ago proves that calls are being placed
MOST_DUE = 1_000  # contacts that are due are counted up to here: a list may have a million


class Standing(NamedTuple):
    """One campaign at one moment.

    last_tick       when a release tick was last at work, for any campaign
    dialed_lately   whether a request of it has left within DIALED_LATELY
    next_due_at     when the first of the contacts that wait is due, or has been; None when none waits
    due_now         contacts that are due, counted up to MOST_DUE
    requests        its requests since the moment that was asked for
    """

    last_tick: datetime | None
    dialed_lately: bool
    next_due_at: datetime | None
    due_now: int
    requests: int


def standing_of(db: Connection, campaign: Campaign, now: datetime, *, requests_since: datetime) -> Standing:
    """How the campaign stands at this moment."""
    pending = (contacts.c.campaign_id == campaign.id, contacts.c.status == ContactStatus.PENDING)
    first_due = select(contacts.c.id).where(*pending, contacts.c.due_at <= now).limit(MOST_DUE).subquery()
    since = (attempts.c.campaign_id == campaign.id, attempts.c.dialing_at > requests_since)
    facts = (
        select(ticks.c.at).where(ticks.c.step == Step.RELEASE),
        select(func.count()).select_from(dialed_lately(attempts.c.campaign_id == campaign.id, now).subquery()),
        select(func.min(contacts.c.due_at)).where(*pending),
        select(func.count()).select_from(first_due),
        select(func.count()).where(*since),
    )
    row = db.execute(select(*(fact.scalar_subquery() for fact in facts))).one()
    return Standing(row[0], bool(row[1]), row[2], row[3], row[4])


def dialed_lately(which: ColumnElement[bool], now: datetime) -> Select[tuple[object]]:
    """Finds a request of these attempts that has left so lately that calls are being placed.

    A moment in the future tells nothing: the clock was ahead then.
    """
    at = attempts.c.dialing_at
    lately = select(attempts.c.id).where(which, at > now - DIALED_LATELY, at < now + DIALED_LATELY)
    return lately.limit(1)
