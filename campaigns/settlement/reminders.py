"""Goes on from one reminder of an appointment to the next, in the transaction that ends the one before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from campaigns.calendar.reminders import next_reminder
from campaigns.definition.sections.responses import ENDS_REMINDERS
from campaigns.ledger.claims import UNCLAIMED
from campaigns.ledger.moves import as_final, updated_one
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import OPEN_CONTACTS, WAITING_CONTACTS, CampaignStatus, ContactStatus


def goes_on(db: Connection, attempt: OpenAttempt, now: datetime, *, until: datetime | None = None) -> bool:
    """Put the contact back for its next reminder; False where it has none, or not before `until`.

    It has none when it was withdrawn, has confirmed or cancelled, or its campaign was cancelled. The contact is locked.
    """
    if attempt.reminder is None or attempt.campaign_status is CampaignStatus.CANCELLED:
        return False
    columns = (contacts.c.response, contacts.c.withdrawal, contacts.c.not_after, contacts.c.zone)
    row = db.execute(select(*columns).where(contacts.c.id == attempt.contact_id)).one()
    if row.response in ENDS_REMINDERS or row.withdrawal is not None or row.not_after is None:
        return False
    due = next_reminder(attempt.definition, row.zone, row.not_after, after=attempt.reminder, now=now)
    if due.number is None or (until is not None and due.due_at > until):
        return False
    waits = {**UNCLAIMED, "due_at": due.due_at, "reminder": due.number, "reason": None}
    not_over = (contacts.c.id == attempt.contact_id, contacts.c.status.in_(OPEN_CONTACTS))
    return updated_one(db, update(contacts).where(*not_over).values(**waits))


def end_reminders(db: Connection, contact_id: int, response: str, now: datetime) -> None:
    """End the reminders of a contact that confirmed or cancelled: it is final, unless a call of it goes on."""
    waits = (contacts.c.id == contact_id, contacts.c.status.in_(WAITING_CONTACTS), contacts.c.reminder.is_not(None))
    final = {"status": ContactStatus.REACHED, "reason": f"answered: {response}", **as_final(now)}
    db.execute(update(contacts).where(*waits).values(**final))
