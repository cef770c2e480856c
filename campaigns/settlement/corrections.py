"""A late receipt replaces a wrong result of an attempt by the true one, and updates its contact.

An unknown attempt gets any outcome; one settled as no call, or as unanswered, becomes answered. Nobody is redialed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Case, Column, ColumnElement, Connection, and_, case, func, or_, select, update

from campaigns.ledger.lists.redials import other_contacts
from campaigns.ledger.moves import as_final, lock_contact, move_contact, updated_one, write_audit
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import (
    FINAL_CONTACTS,
    GIVEN_UP_CONTACTS,
    NOT_YET_REACHED,
    PLACED_CALLS,
    PROGRAM,
    UNANSWERED_REQUESTS,
    WAITING_CONTACTS,
    AttemptStatus,
    ContactStatus,
    CorrectedFrom,
)
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.reminders import goes_on
from dialer.calls import REACHED, Outcome
from dialer.receipts import CallSummary

CALLED_OFF, TOO_LATE = "contact called off", "contact not called off: its call was under way"  # in the audit
WORDS = {
    CorrectedFrom.UNKNOWN: "told after it had been reported as unknown",
    CorrectedFrom.NOT_PLACED: "told after it had been taken for no call",
    CorrectedFrom.UNANSWERED: "told after it had been taken for unanswered",
}
# Their outcome was never known before the first receipt: every later one may correct it again.
ONLY_BY_RECEIPTS = (CorrectedFrom.UNKNOWN, CorrectedFrom.NOT_PLACED)


def correct(db: Connection, attempt: OpenAttempt, summary: CallSummary, *, speed: float, now: datetime) -> bool:
    """Correct an attempt by its receipts, again when they say more later; True if it was corrected.

    Corrected are:
    - an unknown attempt, by any outcome;
    - one that ended unanswered or was ruled not placed, by an answer only;
    - one corrected before from unknown or not placed, by any other outcome.

    `speed` is how fast the provider's clock runs, which tells how long was talked. The attempt is locked, and as it
    was read with the lock.
    """
    outcome = summary.outcome
    if outcome is None or outcome is Outcome.UNKNOWN or attempt.status in (*UNANSWERED_REQUESTS, *PLACED_CALLS):
        return False
    answered_at = summary.answered_at or attempt.answered_at
    talked = (summary.ended_at - answered_at).total_seconds() if summary.ended_at and answered_at else None
    done = updated_one(
        db,
        update(attempts)
        .where(attempts.c.id == attempt.id, _to_be_corrected(outcome))
        .values(
            status=AttemptStatus.ENDED,
            outcome=outcome,
            answered_at=answered_at,
            ended_at=summary.ended_at or attempts.c.ended_at,
            talk_seconds=None if talked is None else max(0.0, talked * speed),
            counted=True,
            ended_by=Evidence.RECEIPT,
            corrected=_first_taken_for(attempts.c.corrected, lambda kind: kind.value),
            detail=_first_taken_for(attempts.c.detail, WORDS.__getitem__),
            conclude_at=None,
        ),
    )
    if done:
        _correct_contact(db, attempt, outcome, now)
    return done


def _first_taken_for(kept: Column[str], value: Callable[[CorrectedFrom], str]) -> Case[str]:
    """The value for what an attempt was taken for at first, which is kept however often it is corrected."""
    return case(
        (attempts.c.status == AttemptStatus.UNKNOWN, value(CorrectedFrom.UNKNOWN)),
        (attempts.c.status == AttemptStatus.NOT_PLACED, value(CorrectedFrom.NOT_PLACED)),
        (attempts.c.corrected.in_(ONLY_BY_RECEIPTS), kept),
        else_=value(CorrectedFrom.UNANSWERED),
    )


def _to_be_corrected(outcome: Outcome) -> ColumnElement[bool]:
    unknown = attempts.c.status == AttemptStatus.UNKNOWN
    said_late = and_(
        attempts.c.status == AttemptStatus.ENDED,
        attempts.c.corrected.in_(ONLY_BY_RECEIPTS),
        attempts.c.outcome != outcome,
    )
    if outcome not in REACHED:
        return or_(unknown, said_late)
    unheard = and_(attempts.c.status == AttemptStatus.ENDED, attempts.c.outcome.not_in(REACHED))
    return or_(unknown, said_late, unheard, attempts.c.status == AttemptStatus.NOT_PLACED)


def _correct_contact(db: Connection, attempt: OpenAttempt, outcome: Outcome, now: datetime) -> None:
    """A contact whose call was answered was reached, whatever its status. Otherwise only its last call corrects it."""
    lock_contact(db, attempt.contact_id)
    if attempt.reminder is not None and _later_reminder(db, attempt, outcome, now):
        return
    last = _is_last(db, attempt)
    corrected = CorrectedFrom(db.scalars(select(attempts.c.corrected).where(attempts.c.id == attempt.id)).one())
    given_up = contacts.c.status.in_(GIVEN_UP_CONTACTS)
    corrected_before = and_(given_up, contacts.c.corrected == CorrectedFrom.UNKNOWN)
    from_here = or_(contacts.c.status == ContactStatus.UNKNOWN, corrected_before)
    status = ContactStatus.EXPIRED if outcome is Outcome.EXPIRED else ContactStatus.UNREACHED
    if outcome in REACHED:
        status, from_here = ContactStatus.REACHED, contacts.c.status.in_(NOT_YET_REACHED)
    elif not last:
        return
    updated_one(
        db,
        update(contacts)
        .where(contacts.c.id == attempt.contact_id, from_here)
        .values(
            status=status,
            reason=f"{outcome}, {WORDS[corrected]}",
            corrected=corrected,
            attempts=contacts.c.attempts + _uncounted(attempt, last=last),
            **as_final(now),
        ),
    )
    if outcome in REACHED:
        _call_off(db, attempt, outcome, now)


def _later_reminder(db: Connection, attempt: OpenAttempt, outcome: Outcome, now: datetime) -> bool:
    """Whether the contact waits for a later reminder than this attempt told, or does from now on; it is locked."""
    query = select(contacts.c.status, contacts.c.reminder).where(contacts.c.id == attempt.contact_id)
    held = db.execute(query).one()
    if held.status in FINAL_CONTACTS:
        return False
    waits = held.status in WAITING_CONTACTS and held.reminder == attempt.reminder
    return not waits or (outcome in REACHED and goes_on(db, attempt, now))


def _call_off(db: Connection, attempt: OpenAttempt, outcome: Outcome, now: datetime) -> None:
    """End the redials of a contact that was reached; one whose call is under way gets no further call."""
    for contact_id in other_contacts(db, attempt.campaign_id, attempt.phone):
        lock_contact(db, contact_id)
        query = select(contacts.c.campaign_id, contacts.c.line, contacts.c.status).where(contacts.c.id == contact_id)
        other = db.execute(query).one()
        if other.status in FINAL_CONTACTS:
            continue
        reason = f"{outcome}, told late of a call of {attempt.campaign_id}"
        waits = other.status in WAITING_CONTACTS
        if waits:
            move_contact(db, contact_id, ContactStatus.REACHED, now, reason=reason)
        event = CALLED_OFF if waits else TOO_LATE
        write_audit(
            db, now, who=PROGRAM, event=event, campaign_id=other.campaign_id, detail=f"line {other.line}: {reason}"
        )


def _uncounted(attempt: OpenAttempt, *, last: bool) -> ColumnElement[int] | int:
    """1 for a call that is missing in its contact's count; an unknown one was counted if it was requeued."""
    if attempt.status is AttemptStatus.NOT_PLACED:
        return 1
    if attempt.counted or not last:
        return 0
    return case((contacts.c.status == ContactStatus.UNKNOWN, 1), else_=0)


def _is_last(db: Connection, attempt: OpenAttempt) -> bool:
    numbers = select(attempts.c.number).where(attempts.c.contact_id == attempt.contact_id)
    highest = select(func.max(attempts.c.number)).where(attempts.c.contact_id == attempt.contact_id)
    return bool(db.scalar(numbers.where(attempts.c.id == attempt.id)) == db.scalar(highest))
