"""Ends calls: settles the attempt, and decides whether its contact was reached, is tried again, or is given up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, event

from campaigns.calendar.calling_hours import next_opening, next_try
from campaigns.ledger import queries
from campaigns.ledger.moves import lock_contact, move_attempt, move_contact
from campaigns.ledger.queries import OpenAttempt
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from campaigns.safeguards.costs import cost_of
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.reminders import goes_on
from campaigns.settlement.requeue import move_unless_reached, requeue
from dialer import traces
from dialer.calls import REACHED, Outcome
from dialer.metrics import ANSWER_TO_OUTCOME, CALLS_ENDED, COST
from dialer.plural import counted
from dialer.prices import MILLIONTHS
from dialer.traces import Facts, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a call ended, the evidence of it, and its times.

    `detail` is kept with the attempt, figures included; `reason` is the contact's, without figures, so that reasons can
    be counted.
    """

    outcome: Outcome
    ended_at: datetime
    evidence: Evidence = Evidence.RECEIPT
    detail: str | None = None
    reason: str | None = None
    talk_seconds: float | None = None
    answered_at: datetime | None = None


def conclude(db: Connection, attempt: OpenAttempt, ending: Ending, *, now: datetime) -> bool:
    """The call has ended: settle its attempt and decide what becomes of its contact. False if it was settled before.

    One that is known to have been answered was answered, whatever its end is called.
    """
    if attempt.status is AttemptStatus.ANSWERED and ending.outcome not in REACHED:
        ending = replace(ending, outcome=Outcome.ANSWERED, detail=f"answered; its end was told as {ending.outcome}")
    short = ending.outcome is Outcome.ANSWERED and attempt.definition.is_short(
        ending.talk_seconds, attempt.script_seconds
    )
    ended = move_attempt(
        db,
        attempt.id,
        AttemptStatus.UNKNOWN if ending.outcome is Outcome.UNKNOWN else AttemptStatus.ENDED,
        outcome=ending.outcome,
        ended_at=ending.ended_at,
        answered_at=attempt.answered_at or ending.answered_at,
        talk_seconds=ending.talk_seconds,
        short=short,
        detail=ending.detail,
        ended_by=ending.evidence,
        conclude_at=None,
    )
    if not ended:
        return False
    cost = cost_of(db, attempt.id) if attempt.price else 0
    event.listen(db, "commit", lambda _: _count(attempt, ending, cost, now), once=True)
    if traces.is_on():
        facts: Facts = {"campaign": attempt.campaign_id, "account": attempt.account, "contact": attempt.contact_id}
        facts |= {"outcome": ending.outcome.value, "ended_by": ending.evidence.value}
        traces.tell(attempt.id, Part.OUTCOME, ending.ended_at, now, facts)
        traces.tell(attempt.id, Part.ATTEMPT, attempt.queued_at or attempt.dialing_at, now, facts)
    if ending.outcome in REACHED:
        if (short or attempt.reminder is not None) and _call_again(db, attempt, ending, short, now=now):
            return True
        move_contact(db, attempt.contact_id, ContactStatus.REACHED, now, reason=ending.outcome.value)
    elif ending.outcome is Outcome.UNKNOWN:
        _leave_unknown(db, attempt, ending, now=now)
    else:
        _try_again_or_give_up(db, attempt, ending, now=now)
    return True


def _count(attempt: OpenAttempt, ending: Ending, cost: int, now: datetime) -> None:
    CALLS_ENDED.labels(attempt.account, ending.outcome).inc()
    if price := attempt.price:
        COST.labels(attempt.account, price.currency).inc(cost / MILLIONTHS)
    if attempt.placed_at is not None:
        ANSWER_TO_OUTCOME.labels(attempt.account).observe(max(0.0, (now - attempt.placed_at).total_seconds()))


def _call_again(db: Connection, attempt: OpenAttempt, ending: Ending, short: bool, *, now: datetime) -> bool:
    """Put back a contact who was reached and is called again: it was a short answer, or another reminder is to come."""
    lock_contact(db, attempt.contact_id)
    return (short and _try_short_again(db, attempt, ending, now=now)) or goes_on(db, attempt, now)


def _try_again_or_give_up(db: Connection, attempt: OpenAttempt, ending: Ending, *, now: datetime) -> None:
    same = queries.count_outcome(db, attempt.contact_id, ending.outcome, attempt.reminder)
    tried = _tried(db, attempt)
    delay = attempt.definition.retry_policy().delay_after(ending.outcome, same_outcomes=same, attempts=tried)
    if ending.outcome is Outcome.EXPIRED:
        move_unless_reached(db, attempt, ContactStatus.EXPIRED, now, reason="expired at the provider")
    elif delay is None:
        reason = f"{ending.outcome.value} after {counted(tried, 'attempt')}"
        move_unless_reached(db, attempt, ContactStatus.UNREACHED, now, reason=reason)
    else:
        _try_in_a_window(db, attempt, ending, ending.ended_at + delay, now=now)


def _try_short_again(db: Connection, attempt: OpenAttempt, ending: Ending, *, now: datetime) -> bool:
    """Put back a contact whose answered call was soon over; False where it gets no other call, and so was reached.

    Nor does one who has pressed a key: it was heard.
    """
    definition = attempt.definition
    rule, most = definition.retry and definition.retry.answered_short, definition.retry_policy().max_attempts
    times = queries.count_short(db, attempt.contact_id, attempt.reminder)
    if not rule or attempt.response is not None or times > len(rule.then) or _tried(db, attempt) >= most:
        return False
    due_at = next_opening(definition, attempt.zone, ending.ended_at + rule.then[times - 1])
    if due_at is None or (attempt.not_after is not None and due_at >= attempt.not_after):
        return False
    requeue(db, attempt, due_at, now=now, outcome=ending.outcome)
    return True


def _tried(db: Connection, attempt: OpenAttempt) -> int:
    """How often the contact was called; of several reminders, for this one."""
    reminder = attempt.reminder
    return attempt.contact_attempts if reminder is None else queries.count_calls(db, attempt.contact_id, reminder)


def _try_in_a_window(
    db: Connection, attempt: OpenAttempt, ending: Ending, earliest: datetime, *, now: datetime
) -> None:
    """Put a contact back for the first moment from `earliest` at which it may be called; give up if there is none."""
    due_at = next_try(
        attempt.definition,
        attempt.zone,
        ending.outcome,
        earliest,
        called_at=attempt.placed_at or attempt.dialing_at,
        not_after=attempt.not_after,
    )
    if due_at is None and attempt.campaign_status is not CampaignStatus.CANCELLED:
        reason = f"{ending.outcome.value}; no window is left for another try"
        move_unless_reached(db, attempt, ContactStatus.UNREACHED, now, reason=reason)
    else:
        requeue(db, attempt, due_at or earliest, now=now, outcome=ending.outcome)


def _leave_unknown(db: Connection, attempt: OpenAttempt, ending: Ending, *, now: datetime) -> None:
    spent = _tried(db, attempt) + (0 if attempt.counted else 1)  # it may have rung: it counts
    if attempt.definition.on_unknown == "redial" and spent < attempt.definition.retry_policy().max_attempts:
        attempts = attempt.contact_attempts + (0 if attempt.counted else 1)
        requeue(db, attempt, now, now=now, outcome=ending.outcome, attempts=attempts)
    else:
        why = ending.reason or ending.detail or "outcome unknown"
        move_unless_reached(db, attempt, ContactStatus.UNKNOWN, now, reason=why)
