"""Contacts that an attempt did not reach: requeued for another try, or given a final status with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from campaigns.ledger import queries
from campaigns.ledger.attempts import Opened
from campaigns.ledger.lists.redials import other_campaigns, reached_elsewhere
from campaigns.ledger.moves import among, lock_contact, move_contact, move_contacts
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.settlement.reminders import goes_on
from dialer.calls import REACHED, Outcome

ENDS_OF_A_REMINDER = (ContactStatus.UNREACHED, ContactStatus.EXPIRED, ContactStatus.UNKNOWN)


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
    elif attempt.reminder is not None and _next_reminder_comes_first(db, attempt, due_at, now):
        return
    elif attempt.not_after is not None and due_at >= attempt.not_after:
        status = ContactStatus.UNREACHED if outcome else ContactStatus.EXPIRED
        reason = f"{last}; the next try would come after its not_after"
        move_unless_reached(db, attempt, status, now, reason=reason)
    elif move_unless_reached(db, attempt, ContactStatus.PENDING, now, due_at=due_at, **facts):
        db.execute(update(attempts).where(attempts.c.id == attempt.id).values(next_attempt_at=due_at))


def _next_reminder_comes_first(db: Connection, attempt: OpenAttempt, due_at: datetime, now: datetime) -> bool:
    lock_contact(db, attempt.contact_id)
    return goes_on(db, attempt, now, until=due_at)


def requeue_unsent(db: Connection, campaign_id: str, account: str, unsent: Sequence[Opened], due_at: datetime) -> bool:
    """As `requeue`, in as many statements however many there are, for requests that never left.

    False if any of them needs more than being due again (a call that reached it, its `not_after`, a cancelled or moved
    or redialed campaign): then roll back, and requeue them one by one.
    """
    ids = [attempt.contact_id for attempt in unsent]
    if move_contacts(db, ContactStatus.PENDING, ids, due_at=due_at) != len(ids):
        return False
    ours = select(campaigns.c.id).where(
        campaigns.c.id == campaign_id, campaigns.c.account == account, campaigns.c.status != CampaignStatus.CANCELLED
    )
    if db.scalar(ours) is None or other_campaigns(db, campaign_id) or _any_is_over(db, ids, due_at):
        return False
    retried = among(attempts.c.id, "unsent", arrays=db.dialect.name == "postgresql")
    db.execute(
        update(attempts).where(retried).values(next_attempt_at=due_at), {"unsent": [attempt.id for attempt in unsent]}
    )
    return True


def _any_is_over(db: Connection, contact_ids: Sequence[int], due_at: datetime) -> bool:
    """Whether a call reached one of them, or its `not_after` comes first; they are locked by now."""
    arrays = db.dialect.name == "postgresql"
    reached = select(attempts.c.id).where(
        among(attempts.c.contact_id, "contacts", arrays=arrays), attempts.c.outcome.in_(REACHED)
    )
    late = select(contacts.c.id).where(among(contacts.c.id, "contacts", arrays=arrays), contacts.c.not_after <= due_at)
    facts = {"contacts": list(contact_ids)}
    return any(db.execute(query.limit(1), facts).first() is not None for query in (reached, late))


def move_unless_reached(
    db: Connection, attempt: OpenAttempt, status: ContactStatus, now: datetime, **facts: object
) -> bool:
    """Move the contact to `status`; if another of its calls reached it, mark it reached and return False.

    Where this ends one of several reminders, the contact waits for the next instead: False, too.
    """
    lock_contact(db, attempt.contact_id)
    if status in ENDS_OF_A_REMINDER and goes_on(db, attempt, now):
        return False
    again = status is ContactStatus.PENDING
    last_reminder = attempt.reminder if again else None
    earlier = queries.reached_by(db, attempt.contact_id, last_reminder, heard=again) or reached_elsewhere(
        db, attempt.campaign_id, attempt.phone
    )
    if earlier:
        if again and goes_on(db, attempt, now):
            return False
        reason = f"{earlier}, told while a later call was made"
        move_contact(db, attempt.contact_id, ContactStatus.REACHED, now, reason=reason)
        return False
    return move_contact(db, attempt.contact_id, status, now, **facts)
