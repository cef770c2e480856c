"""Receipts: stored first, then applied; early, twice, out of order or never, they only ever move an attempt forward."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, or_, select, update

from campaigns.correcting import correct
from campaigns.ledger import reading
from campaigns.ledger.moves import move_attempt, touched
from campaigns.ledger.receipts import receipts_of, store
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, receipts
from campaigns.lifecycle import AttemptStatus
from campaigns.settlement import REACHED, Witness, accept
from dialer.accounts import AccountSettings
from dialer.calls import Outcome, Progress, Receipt
from dialer.receipts import Reduced, reduce_receipts

ENDING_GRACE = 2.0  # seconds of the provider's clock in which the other receipts of the same end arrive
LEAST_GRACE = 1.0  # seconds of ours, for the way from the provider to the ledger, however fast its clock runs
SUSPICION_GRACE = 20.0  # the same, when those that came do not say how the call ended
UNMATCHED_KEPT = timedelta(hours=24)


def receive(
    ledger: Ledger, account: str, settings: AccountSettings, heard: Sequence[Receipt], body: str, *, now: datetime
) -> int:
    """Store receipts durably, then apply what can be applied; returns how many were new.

    When applying fails the receipts are safe all the same: the sweep applies them.
    """
    fresh = ledger.write(store, account, heard, body, now=now)
    if fresh:
        ids = [receipt.correlation_id for receipt in heard if receipt.correlation_id]
        calls = [receipt.provider_call_id for receipt in heard if receipt.provider_call_id]
        ledger.write(apply_waiting, account, settings, now=now, provider_call_ids=calls, correlation_ids=ids)
    return fresh


def apply_waiting(
    db: Connection,
    account: str,
    settings: AccountSettings,
    *,
    now: datetime,
    provider_call_ids: Sequence[str] | None = None,
    correlation_ids: Sequence[UUID] = (),
) -> int:
    """Apply stored receipts that have found their attempt by now; returns how many. All of them when no id is given."""
    waiting = select(receipts.c.id, receipts.c.provider_call_id, receipts.c.correlation_id).where(
        receipts.c.account == account, receipts.c.applied_at.is_(None)
    )
    if provider_call_ids is not None:
        waiting = waiting.where(
            or_(receipts.c.provider_call_id.in_(provider_call_ids), receipts.c.correlation_id.in_(correlation_ids))
        )
    matched: dict[UUID, list[int]] = {}
    named: dict[str, UUID] = {}  # by the provider's id, which one receipt of a call may tell us of the others
    for row in sorted(db.execute(waiting).all(), key=lambda row: row.correlation_id is None):
        attempt_id = _attempt_of(db, account, row.provider_call_id, row.correlation_id)
        if attempt_id := attempt_id or named.get(row.provider_call_id or ""):
            matched.setdefault(attempt_id, []).append(row.id)
            named |= {row.provider_call_id: attempt_id} if row.provider_call_id else {}
    for attempt_id, ids in matched.items():
        db.execute(update(receipts).where(receipts.c.id.in_(ids)).values(attempt_id=attempt_id, applied_at=now))
        _advance(db, attempt_id, settings, now=now)
    return sum(map(len, matched.values()))


def _attempt_of(db: Connection, account: str, call: str | None, correlation_id: UUID | None) -> UUID | None:
    """The provider's own id first: some of its receipts come without ours."""
    ours = select(attempts.c.id).where(attempts.c.account == account)
    found = db.scalar(ours.where(attempts.c.provider_call_id == call)) if call else None
    return found or (db.scalar(ours.where(attempts.c.id == correlation_id)) if correlation_id else None)


def _advance(db: Connection, attempt_id: UUID, settings: AccountSettings, *, now: datetime) -> None:
    attempt = reading.attempts_by_id(db, [attempt_id])[attempt_id]
    heard = receipts_of(db, attempt_id)
    call = next((receipt.provider_call_id for receipt in heard if receipt.provider_call_id), None)
    accept(db, attempt, call, settings, now=now, witness=Witness.RECEIPT)
    reduced = reduce_receipts(heard)
    if tells_all(reduced) or reduced.outcome in REACHED:
        correct(db, attempt, reduced, now=now)
    if reduced.progress is Progress.ANSWERED or reduced.answered_at:
        move_attempt(db, attempt_id, AttemptStatus.ANSWERED, answered_at=reduced.answered_at or now)
    if reduced.ending:
        grace = ENDING_GRACE if tells_all(reduced) else SUSPICION_GRACE
        soon = now + timedelta(seconds=max(grace / settings.speed, LEAST_GRACE))
        unsettled = attempts.c.status.in_([AttemptStatus.PLACED, AttemptStatus.ANSWERED])
        later = attempts.c.conclude_at > soon
        touched(db, update(attempts).where(attempts.c.id == attempt_id, unsettled, later).values(conclude_at=soon))


def tells_all(heard: Reduced) -> bool:
    """Whether these receipts say that the call ended, and how: no suspicion does, and no end without an outcome."""
    ended = heard.progress is Progress.ENDED and heard.outcome not in {None, Outcome.UNKNOWN}
    return ended or (heard.ending and heard.outcome in REACHED)


def forget_unmatched(db: Connection, now: datetime) -> int:
    """Stop looking for the attempts of receipts that nobody has matched in a day; they stay on record."""
    old = receipts.c.received_at <= now - UNMATCHED_KEPT
    return touched(db, update(receipts).where(receipts.c.applied_at.is_(None), old).values(applied_at=now))
