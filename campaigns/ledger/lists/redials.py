"""Redials: links between a campaign and the later ones that call its contacts again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, or_, select, update

from campaigns.ledger.moves import write_audit
from campaigns.ledger.tables import attempts, campaigns, contacts
from dialer.calls import REACHED, Outcome

REDIALED = "campaign redialed"
REDIALS = "campaign redials"


def note_redial(
    db: Connection, old: str, new: str, outcomes: str, *, again: bool = False, who: str, now: datetime
) -> None:
    """Record which campaign this redial calls again, and write an audit line for both campaigns.

    `again` says that it calls people who were reached, for what they pressed.
    """
    db.execute(update(campaigns).where(campaigns.c.id == new).values(redial_of=old, redials_reached=again))
    write_audit(db, now, who=who, event=REDIALED, campaign_id=old, detail=f"{new}: {outcomes}")
    write_audit(db, now, who=who, event=REDIALS, campaign_id=new, detail=old)


def other_campaigns(db: Connection, campaign_id: str) -> list[str]:
    """All campaigns connected with this one by redials, directly or through others: they call one list.

    Most campaigns have none: then this is a single query.
    """
    return connected_campaigns(db, [campaign_id])[campaign_id]


def connected_campaigns(db: Connection, campaign_ids: Sequence[str]) -> dict[str, list[str]]:
    """The same for each of several: a query for all of them, and one for each further link of the longest chain."""
    families = {campaign_id: {campaign_id} for campaign_id in campaign_ids}
    unasked, asked = set(campaign_ids), set[str]()
    while unasked:
        asked |= unasked
        found: set[str] = set()
        for one, other in _links(db, unasked):
            family = families.setdefault(one, {one}) | families.setdefault(other, {other})
            families |= dict.fromkeys(family, family)
            found |= {one, other}
        unasked = found - asked
    return {campaign_id: sorted(families[campaign_id] - {campaign_id}) for campaign_id in campaign_ids}


def other_contacts(db: Connection, campaign_id: str, phone: str) -> Sequence[int]:
    """The ids of the contacts that have the same number in the connected campaigns."""
    campaign_ids = other_campaigns(db, campaign_id)
    same_number = select(contacts.c.id).where(contacts.c.campaign_id.in_(campaign_ids), contacts.c.phone == phone)
    return db.scalars(same_number.order_by(contacts.c.id)).all() if campaign_ids else []


def reached_elsewhere(db: Connection, campaign_id: str, phone: str) -> Outcome | None:
    """The outcome of a call of a connected campaign that reached the number; None if none did.

    None too where the campaign calls people again although they were reached.
    """
    if db.scalar(select(campaigns.c.redials_reached).where(campaigns.c.id == campaign_id)):
        return None
    campaign_ids = other_campaigns(db, campaign_id)
    calls = reached_calls(campaign_ids).where(contacts.c.phone == phone).with_only_columns(attempts.c.outcome)
    outcome = db.scalar(calls.limit(1)) if campaign_ids else None
    return Outcome(outcome) if outcome else None


def reached_calls(campaign_ids: Sequence[str]) -> Select[tuple[str]]:
    """The numbers that calls of these campaigns reached."""
    reached = (contacts.c.campaign_id.in_(campaign_ids), attempts.c.outcome.in_(REACHED))
    return (
        select(contacts.c.phone).join_from(attempts, contacts, contacts.c.id == attempts.c.contact_id).where(*reached)
    )


def _links(db: Connection, campaign_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each redial that one of these campaigns is or has, with the campaign whose contacts it calls."""
    any_of_these = or_(campaigns.c.id.in_(campaign_ids), campaigns.c.redial_of.in_(campaign_ids))
    query = select(campaigns.c.id, campaigns.c.redial_of).where(campaigns.c.redial_of.is_not(None), any_of_these)
    return ((row.id, row.redial_of) for row in db.execute(query))
