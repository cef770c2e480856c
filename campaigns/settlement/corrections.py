"""Late words: an attempt reported as unknown becomes what it was, and so does its contact; nobody is redialed.

So does one that was taken for no call, or for unanswered, once somebody is heard to have answered it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, update

from campaigns.ledger.moves import as_final, lock_contact, move_contact, updated_one, write_audit
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.redials import other_contacts
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import FINAL_CONTACTS, AttemptStatus, ContactStatus
from campaigns.settlement.evidence import Evidence
from dialer.calls import REACHED, Outcome
from dialer.receipts import CallSummary

CALLED_OFF, TOO_LATE = "contact called off", "contact not called off: its call was under way"  # in the audit
LATE = "told after it had been reported as unknown"
BELIED = "told after it had been taken for no call"
UNHEARD = "told after it had been taken for unanswered"
NOT_REACHED = (  # as far as was known: for whom a redial waits, and who was given up
    ContactStatus.PENDING,
    ContactStatus.CLAIMED,
    ContactStatus.UNREACHED,
    ContactStatus.EXPIRED,
    ContactStatus.CANCELLED,
    ContactStatus.UNKNOWN,
)


def correct(db: Connection, attempt: OpenAttempt, heard: CallSummary, *, now: datetime) -> bool:
    """Make an attempt what its receipts say, as often as they come to say more.

    False unless it is unknown, or was answered though nobody was told or had seen it, or has been corrected before.
    """
    outcome = heard.outcome
    if outcome is None or outcome is Outcome.UNKNOWN:
        return False
    answered_at = heard.answered_at or attempt.answered_at
    talked = (heard.ended_at - answered_at).total_seconds() if heard.ended_at and answered_at else None
    corrected = updated_one(
        db,
        update(attempts)
        .where(attempts.c.id == attempt.id, _to_be_corrected(outcome))
        .values(
            status=AttemptStatus.ENDED,
            outcome=outcome,
            answered_at=answered_at,
            ended_at=heard.ended_at or attempts.c.ended_at,
            talk_seconds=None if talked is None else max(0.0, talked),
            counted=True,
            ended_by=Evidence.RECEIPT,
            detail=case(
                (attempts.c.status == AttemptStatus.UNKNOWN, LATE),
                (attempts.c.status == AttemptStatus.NOT_PLACED, BELIED),
                (attempts.c.detail.in_([LATE, BELIED]), attempts.c.detail),
                else_=UNHEARD,
            ),
            conclude_at=None,
        ),
    )
    if corrected:
        _correct_contact(db, attempt, outcome, now)
    return corrected


def _to_be_corrected(outcome: Outcome) -> ColumnElement[bool]:
    unknown = attempts.c.status == AttemptStatus.UNKNOWN
    said_late = and_(
        attempts.c.status == AttemptStatus.ENDED,
        attempts.c.detail.in_([LATE, BELIED]),
        attempts.c.outcome != outcome,
    )
    if outcome not in REACHED:
        return or_(unknown, said_late)
    unheard = and_(attempts.c.status == AttemptStatus.ENDED, attempts.c.outcome.not_in(REACHED))
    return or_(unknown, said_late, unheard, attempts.c.status == AttemptStatus.NOT_PLACED)


def _correct_contact(db: Connection, attempt: OpenAttempt, outcome: Outcome, now: datetime) -> None:
    """Whoever answered was reached, whatever was thought meanwhile. Else only its last call's word makes it known."""
    lock_contact(db, attempt.contact_id)
    last = _is_last(db, attempt)
    late = db.scalar(select(attempts.c.detail).where(attempts.c.id == attempt.id))
    given_up = contacts.c.status.in_([ContactStatus.UNREACHED, ContactStatus.EXPIRED])
    corrected_before = and_(given_up, contacts.c.reason.endswith(LATE))
    from_here = or_(contacts.c.status == ContactStatus.UNKNOWN, corrected_before)
    status = ContactStatus.EXPIRED if outcome is Outcome.EXPIRED else ContactStatus.UNREACHED
    if outcome in REACHED:
        status, from_here = ContactStatus.REACHED, or_(contacts.c.status.in_(NOT_REACHED))
    elif not last:
        return
    updated_one(
        db,
        update(contacts)
        .where(contacts.c.id == attempt.contact_id, from_here)
        .values(
            status=status,
            reason=f"{outcome}, {late}",
            attempts=contacts.c.attempts + _uncounted(attempt, last=last),
            **as_final(now),
        ),
    )
    if outcome in REACHED:
        _call_off(db, attempt, outcome, now)


def _call_off(db: Connection, attempt: OpenAttempt, outcome: Outcome, now: datetime) -> None:
    """Let no redial call somebody who was reached; a call that is under way there is told, and is the last."""
    for contact_id in other_contacts(db, attempt.campaign_id, attempt.phone):
        lock_contact(db, contact_id)
        again = select(contacts.c.campaign_id, contacts.c.line, contacts.c.status).where(contacts.c.id == contact_id)
        life = db.execute(again).one()
        if life.status in FINAL_CONTACTS:
            continue
        reason = f"{outcome}, told late of a call of {attempt.campaign_id}"
        waits = life.status in (ContactStatus.PENDING, ContactStatus.CLAIMED)
        if waits:
            move_contact(db, contact_id, ContactStatus.REACHED, now, reason=reason)
        event = CALLED_OFF if waits else TOO_LATE
        write_audit(
            db, now, who="dialer", event=event, campaign_id=life.campaign_id, detail=f"line {life.line}: {reason}"
        )


def _uncounted(attempt: OpenAttempt, *, last: bool) -> ColumnElement[int] | int:
    """One for a call that its contact's count leaves out; an unknown one was counted when a redial was put in order."""
    if attempt.status is AttemptStatus.NOT_PLACED:
        return 1
    if attempt.counted or not last:
        return 0
    return case((contacts.c.status == ContactStatus.UNKNOWN, 1), else_=0)


def _is_last(db: Connection, attempt: OpenAttempt) -> bool:
    numbers = select(attempts.c.number).where(attempts.c.contact_id == attempt.contact_id)
    highest = select(func.max(attempts.c.number)).where(attempts.c.contact_id == attempt.contact_id)
    return bool(db.scalar(numbers.where(attempts.c.id == attempt.id)) == db.scalar(highest))
