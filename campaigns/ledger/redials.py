"""Redials: which campaign calls the contacts of which other again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, or_, select, update

from campaigns.ledger.moves import write_audit
from campaigns.ledger.tables import attempts, campaigns, contacts
from dialer.calls import REACHED, Outcome

REDIALED, REDIALS = "campaign redialed", "campaign redials"


def note_redial(db: Connection, old: str, new: str, outcomes: str, *, who: str, now: datetime) -> None:
    """Tie a redial to the campaign whose contacts it calls, and leave a line in the audit of both."""
    db.execute(update(campaigns).where(campaigns.c.id == new).values(redial_of=old))
    write_audit(db, now, who=who, event=REDIALED, campaign_id=old, detail=f"{new}: {outcomes}")
    write_audit(db, now, who=who, event=REDIALS, campaign_id=new, detail=old)


def other_campaigns(db: Connection, campaign_id: str) -> list[str]:
    """All that this one redials, and all that redial it or the same as it does: they say one message to one list.

    For one that has none, as most have none, this is a single look.
    """
    chain = [campaign_id]
    for one in chain:
        chain += [other for other in _tied(db, one) if other not in chain]
    return chain[1:]


def other_contacts(db: Connection, campaign_id: str, phone: str) -> Sequence[int]:
    """The contacts as which a number of this campaign is in the others."""
    others = other_campaigns(db, campaign_id)
    theirs = select(contacts.c.id).where(contacts.c.campaign_id.in_(others), contacts.c.phone == phone)
    return db.scalars(theirs.order_by(contacts.c.id)).all() if others else []


def reached_elsewhere(db: Connection, campaign_id: str, phone: str) -> Outcome | None:
    """How a call ended that reached the number for one of the others; None when none did."""
    others = other_campaigns(db, campaign_id)
    calls = reached_calls(others).where(contacts.c.phone == phone).with_only_columns(attempts.c.outcome)
    found = db.scalar(calls.limit(1)) if others else None
    return Outcome(found) if found else None


def reached_calls(campaign_ids: Sequence[str]) -> Select[tuple[str]]:
    """The numbers of calls that reached somebody for these campaigns."""
    theirs = (contacts.c.campaign_id.in_(campaign_ids), attempts.c.outcome.in_(REACHED))
    return select(contacts.c.phone).join_from(attempts, contacts, contacts.c.id == attempts.c.contact_id).where(*theirs)


def _tied(db: Connection, campaign_id: str) -> list[str]:
    """The campaigns that this one redials, or that redial it."""
    of_this = select(campaigns.c.redial_of).where(campaigns.c.id == campaign_id).scalar_subquery()
    tied = select(campaigns.c.id).where(or_(campaigns.c.id == of_this, campaigns.c.redial_of == campaign_id))
    return list(db.scalars(tied.order_by(campaigns.c.created_at, campaigns.c.id)))
