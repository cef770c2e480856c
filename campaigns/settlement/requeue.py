"""Contacts that an attempt did not reach: requeued for another try, or given a final status with a reason."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from campaigns.ledger import queries
from campaigns.ledger.moves import lock_contact, move_contact
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.redials import reached_elsewhere
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from dialer.calls import Outcome


def requeue(
    db: Connection,
    attempt: OpenAttempt,
    due_at: datetime,
    *,
    now: datetime,
    outcome: Outcome | None = None,
    **facts: int,
) -> None:
    """Let a contact be tried again from `due_at` on, unless its campaign was cancelled or its `not_after` comes first.

    `outcome` is how its call ended; None where no call was placed.
    """
    last = outcome.value if outcome else "no call was placed"
    if attempt.campaign_status is CampaignStatus.CANCELLED:
        reason = f"the campaign was cancelled; last: {last}"
        move_unless_reached(db, attempt, ContactStatus.CANCELLED, now, reason=reason)
    elif attempt.not_after is not None and due_at >= attempt.not_after:
        status = ContactStatus.UNREACHED if outcome else ContactStatus.EXPIRED
        reason = f"{last}; the next try would come after its not_after"
        move_unless_reached(db, attempt, status, now, reason=reason)
    elif move_unless_reached(db, attempt, ContactStatus.PENDING, now, due_at=due_at, **facts):
        db.execute(update(attempts).where(attempts.c.id == attempt.id).values(next_attempt_at=due_at))


def move_unless_reached(
    db: Connection, attempt: OpenAttempt, status: ContactStatus, now: datetime, **facts: object
) -> bool:
    """Move the contact to `status`; if another of its calls reached it, mark it reached and return False."""
    lock_contact(db, attempt.contact_id)
    earlier = queries.reached_by(db, attempt.contact_id) or reached_elsewhere(db, attempt.campaign_id, attempt.phone)
    if earlier:
        reason = f"{earlier}, told while a later call was made"
        move_contact(db, attempt.contact_id, ContactStatus.REACHED, now, reason=reason)
        return False
    return move_contact(db, attempt.contact_id, status, now, **facts)
