"""Which campaign calls whose contacts again: the lines that tie a redial to the campaign before it, in the audit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from campaigns.ledger.moves import note
from campaigns.ledger.tables import attempts, audit, contacts
from dialer.calls import REACHED, Outcome

REDIALED, REDIALS = "campaign redialed", "campaign redials"


def note_redial(db: Connection, old: str, new: str, outcomes: str, *, who: str, now: datetime) -> None:
    """Tie a redial to the campaign whose contacts it calls, from both of them."""
    note(db, now, who=who, event=REDIALED, campaign_id=old, detail=f"{new}: {outcomes}")
    note(db, now, who=who, event=REDIALS, campaign_id=new, detail=old)


def later_lives(db: Connection, campaign_id: str, phone: str) -> list[int]:
    """The contacts as which a number of this campaign is called again by its redials, and by theirs."""
    found: list[int] = []
    campaigns = [campaign_id]
    while campaigns:
        again = [told.partition(":")[0] for told in _told(db, campaigns.pop(), REDIALED)]
        campaigns += again
        found += db.scalars(select(contacts.c.id).where(contacts.c.campaign_id.in_(again), contacts.c.phone == phone))
    return found


def reached_before(db: Connection, campaign_id: str, phone: str) -> Outcome | None:
    """How a call ended that reached the number for a campaign that this one redials; None when none did."""
    for campaign in _told(db, campaign_id, REDIALS):
        calls = select(attempts.c.outcome).join(contacts, contacts.c.id == attempts.c.contact_id)
        mine = (contacts.c.campaign_id == campaign, contacts.c.phone == phone, attempts.c.outcome.in_(REACHED))
        if found := db.scalar(calls.where(*mine).limit(1)):
            return Outcome(found)
        return reached_before(db, campaign, phone)
    return None


def _told(db: Connection, campaign_id: str, event: str) -> list[str]:
    lines = select(audit.c.detail).where(audit.c.campaign_id == campaign_id, audit.c.event == event)
    return list(db.scalars(lines.order_by(audit.c.id)))
