"""Late words: an attempt reported as unknown becomes what it was, and so does its contact; nobody is redialed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, case, or_, update

from campaigns.ledger.moves import moved
from campaigns.ledger.reading import OpenAttempt
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus
from campaigns.settlement import REACHED, Witness
from dialer.calls import Outcome
from dialer.receipts import Reduced

LATE = "told after it had been reported as unknown"
WAITING = (ContactStatus.PENDING, ContactStatus.CLAIMED)  # for the redial that `on_unknown` had asked for


def correct(db: Connection, attempt: OpenAttempt, heard: Reduced, *, now: datetime) -> bool:
    """Make an unknown attempt what its receipts say, as often as they come to say more; False for any other attempt."""
    outcome = heard.outcome
    if outcome in {None, Outcome.UNKNOWN}:
        return False
    unknown = attempts.c.status == AttemptStatus.UNKNOWN
    said_late = and_(attempts.c.status == AttemptStatus.ENDED, attempts.c.detail == LATE, attempts.c.outcome != outcome)
    answered_at = heard.answered_at or attempt.answered_at
    talked = (heard.ended_at - answered_at).total_seconds() if heard.ended_at and answered_at else None
    corrected = moved(
        db,
        update(attempts)
        .where(attempts.c.id == attempt.id, or_(unknown, said_late))
        .values(
            status=AttemptStatus.ENDED,
            outcome=outcome,
            answered_at=answered_at,
            ended_at=heard.ended_at or attempts.c.ended_at,
            talk_seconds=None if talked is None else max(0.0, talked),
            counted=True,
            ended_by=Witness.RECEIPT,
            detail=LATE,
            conclude_at=None,
        ),
    )
    if corrected:
        _correct_contact(db, attempt, outcome, now)
    return corrected


def _correct_contact(db: Connection, attempt: OpenAttempt, outcome: Outcome | None, now: datetime) -> None:
    """Only one whose last word was that call, or who was to be called again for want of one."""
    reached = outcome in REACHED
    status = ContactStatus.REACHED if reached else ContactStatus.UNREACHED
    if outcome is Outcome.EXPIRED:
        status = ContactStatus.EXPIRED
    corrected_before = and_(
        contacts.c.status.in_([ContactStatus.UNREACHED, ContactStatus.EXPIRED]), contacts.c.reason.endswith(LATE)
    )
    from_here = or_(contacts.c.status == ContactStatus.UNKNOWN, corrected_before)
    if reached:
        from_here = or_(from_here, contacts.c.status.in_(WAITING))
    uncounted = 0 if attempt.counted else 1
    moved(
        db,
        update(contacts)
        .where(contacts.c.id == attempt.contact_id, from_here)
        .values(
            status=status,
            reason=f"{outcome}, {LATE}",
            attempts=contacts.c.attempts + case((contacts.c.status == ContactStatus.UNKNOWN, uncounted), else_=0),
            final_at=now,
            claim=None,
            lease_until=None,
        ),
    )
