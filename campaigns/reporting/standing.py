"""What the store tells of one campaign at one moment, in one statement: its ticks, its requests, its next call."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, func, select

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
    moments = {"now": now, "since": requests_since, "earlier": now - DIALED_LATELY, "later": now + DIALED_LATELY}
    row = db.execute(_standing(), {"campaign": campaign.id, **moments}).one()
    return Standing(row[0], bool(row[1]), row[2], row[3], row[4])


@cache
def _standing() -> Select[Any]:
    """The statement, which is made once: to make it costs as much as to carry it out."""
    campaign: BindParameter[str] = bindparam("campaign")
    pending = (contacts.c.campaign_id == campaign, contacts.c.status == ContactStatus.PENDING)
    of_campaign = attempts.c.campaign_id == campaign
    first_due = select(contacts.c.id).where(*pending, contacts.c.due_at <= bindparam("now")).limit(MOST_DUE).subquery()
    facts = (
        select(ticks.c.at).where(ticks.c.step == Step.RELEASE),
        select(func.count()).select_from(_lately(of_campaign, bindparam("earlier"), bindparam("later")).subquery()),
        select(func.min(contacts.c.due_at)).where(*pending),
        select(func.count()).select_from(first_due),
        select(func.count()).where(of_campaign, attempts.c.dialing_at > bindparam("since")),
    )
    return select(*(fact.scalar_subquery() for fact in facts))


def dialed_lately(which: ColumnElement[bool], now: datetime) -> Select[Any]:
    """Finds a request of these attempts that has left so lately that calls are being placed.

    A moment in the future tells nothing: the clock was ahead then.
    """
    return _lately(which, now - DIALED_LATELY, now + DIALED_LATELY)


def _lately(which: ColumnElement[bool], earlier: Any, later: Any) -> Select[Any]:
    at = attempts.c.dialing_at
    return select(attempts.c.id).where(which, at > earlier, at < later).limit(1)
