"""Applies stored receipts: early, repeated, out of order or missing, they only ever move an attempt forward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, or_, select, update

from campaigns.ledger import queries
from campaigns.ledger.moves import among, move_attempt, row_count
from campaigns.ledger.numbers import erasures
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.receipts import receipts_by_attempt
from campaigns.ledger.tables import attempts, receipts
from campaigns.lifecycle import PLACED_CALLS, UNANSWERED_REQUESTS, AttemptStatus
from campaigns.settlement.corrections import correct
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.responses import note_response
from campaigns.settlement.rulings import accept
from dialer import traces
from dialer.account_settings import AccountSettings
from dialer.calls import REACHED, Progress, Receipt
from dialer.follow_timing import ENDING_GRACE, UNTOLD_GRACE, grace_seconds
from dialer.providers.bounds import believed_since
from dialer.receipts import CallSummary, summarize_receipts
from dialer.traces import Facts, Part

UNMATCHED_KEPT = timedelta(hours=24)
TOGETHER = 500  # receipts applied by one set of statements
OF_WAITING = tuple(receipts.c[name] for name in ("id", "provider_call_id", "correlation_id", "word", "received_at"))


def apply_heard(
    db: Connection, account: str, settings: AccountSettings, heard: Sequence[Receipt], *, now: datetime
) -> int:
    """Apply receipts that have just been stored, and earlier ones whose call they identify."""
    ids = [receipt.correlation_id for receipt in heard if receipt.correlation_id]
    calls = [receipt.provider_call_id for receipt in heard if receipt.provider_call_id]
    return apply_waiting(db, account, settings, now=now, provider_call_ids=calls, correlation_ids=ids)


def accounts_waiting(db: Connection) -> set[str]:
    """The accounts that have stored receipts which are not applied yet."""
    return set(db.scalars(select(receipts.c.account).where(receipts.c.applied_at.is_(None)).distinct()))


def apply_waiting(
    db: Connection,
    account: str,
    settings: AccountSettings,
    *,
    now: datetime,
    provider_call_ids: Sequence[str] | None = None,
    correlation_ids: Sequence[UUID] = (),
) -> int:
    """Apply stored receipts whose attempt is known by now; returns how many. All that wait when no id is given."""
    ids = None if provider_call_ids is None else (provider_call_ids, correlation_ids)
    return _apply_in_parts(db, account, settings, _waiting_rows(db, [account], ids), now)


def apply_waiting_of(
    db: Connection, calls: Mapping[str, Sequence[str]], settings: Mapping[str, AccountSettings], *, now: datetime
) -> int:
    """As `apply_waiting`, for the provider's ids of calls of several accounts: one statement asks for all of them."""
    by_account: defaultdict[str, list[Any]] = defaultdict(list)
    for row in _waiting_rows(db, list(calls), ([call for own in calls.values() for call in own], ())):
        if row.provider_call_id in calls[row.account]:
            by_account[row.account].append(row)
    return sum(_apply_in_parts(db, account, settings[account], own, now) for account, own in sorted(by_account.items()))


def _apply_in_parts(db: Connection, account: str, settings: AccountSettings, rows: Sequence[Any], now: datetime) -> int:
    return sum(_apply(db, account, settings, rows[at : at + TOGETHER], now) for at in range(0, len(rows), TOGETHER))


def _waiting_rows(
    db: Connection, accounts: Sequence[str], ids: tuple[Sequence[str], Sequence[UUID]] | None
) -> Sequence[Any]:
    """The receipts of these accounts that wait; of these calls and attempts alone, where such are named."""
    facts: dict[str, Any] = {"accounts": accounts}
    if ids is not None:
        facts |= {"calls": list(ids[0]), "attempts": list(ids[1])}
    return db.execute(_waiting(named=ids is not None, arrays=db.dialect.name == "postgresql"), facts).all()


@cache
def _waiting(*, named: bool, arrays: bool) -> Select[Any]:
    """Kept, for it is asked at each answer, and takes as long to build as to run."""
    of_accounts = among(receipts.c.account, "accounts", arrays=arrays)
    waiting = select(*OF_WAITING, receipts.c.account).where(of_accounts, receipts.c.applied_at.is_(None))
    if named:
        of_calls = among(receipts.c.provider_call_id, "calls", arrays=arrays)
        waiting = waiting.where(or_(of_calls, among(receipts.c.correlation_id, "attempts", arrays=arrays)))
    return waiting.order_by(receipts.c.id)


def waiting_receipts(db: Connection, account: str) -> Sequence[int]:
    """The ids of the account's receipts that are not applied yet, in the order in which they came."""
    waiting = select(receipts.c.id).where(receipts.c.account == account, receipts.c.applied_at.is_(None))
    return db.scalars(waiting.order_by(receipts.c.id)).all()


def apply_stored(
    db: Connection, account: str, settings: AccountSettings, receipt_ids: Sequence[int], *, now: datetime
) -> int:
    """Apply these stored receipts, those of them whose attempt is known by now; returns how many."""
    applied = 0
    for at in range(0, len(receipt_ids), TOGETHER):
        some = receipts.c.id.in_(receipt_ids[at : at + TOGETHER])
        rows = db.execute(
            select(*OF_WAITING).where(some, receipts.c.applied_at.is_(None)).order_by(receipts.c.id)
        ).all()
        applied += _apply(db, account, settings, rows, now)
    return applied


def _apply(db: Connection, account: str, settings: AccountSettings, rows: Sequence[Any], now: datetime) -> int:
    owners = _owners(db, account, rows)
    if not owners:
        return 0
    ids = set(owners.values())
    # Attempts first, as where answers are written: two transactions in opposite order would deadlock.
    by_id = queries.attempts_by_id(db, ids, lock=True)
    line = update(receipts).where(receipts.c.id == bindparam("line")).values(attempt_id=bindparam("owner"))
    db.execute(
        line.values(applied_at=now), [{"line": receipt_id, "owner": owner} for receipt_id, owner in owners.items()]
    )
    if erased := erasures.erased_attempts(db, ids):
        erasures.empty_receipts(db, erased)
    receipts_of_attempt = receipts_by_attempt(db, ids)
    if traces.is_on():
        for row in rows:
            if owner := owners.get(row.id):
                words: Facts = {"account": account, "receipt": row.id, "word": row.word}
                traces.tell(owner, Part.RECEIPT, row.received_at, now, words, which=str(row.id))
    for attempt_id, attempt in by_id.items():
        _advance(db, attempt, receipts_of_attempt[attempt_id], settings, now=now)
        note_response(db, attempt, receipts_of_attempt[attempt_id], now=now)
    return len(owners)


def _owners(db: Connection, account: str, rows: Sequence[Any]) -> dict[int, UUID]:
    """The attempts of receipts: by our id, and by the provider's where that is all a receipt has.

    A receipt with both ids identifies the call for those that have the provider's only; one that names another attempt
    than the call's is not about that call. A call id that two attempts have identifies neither.
    """
    calls = {row.provider_call_id for row in rows if row.provider_call_id}
    ids = {row.correlation_id for row in rows if row.correlation_id}
    query = select(attempts.c.id, attempts.c.provider_call_id).where(
        attempts.c.account == account, or_(attempts.c.provider_call_id.in_(calls), attempts.c.id.in_(ids))
    )
    matches = db.execute(query).all()
    known = {match.id for match in matches}
    attempts_by_call: dict[str, set[UUID]] = defaultdict(set)
    pairs = [(match.provider_call_id, match.id) for match in matches]
    for call, attempt_id in pairs + [(row.provider_call_id, row.correlation_id) for row in rows]:
        if call and attempt_id in known:
            attempts_by_call[call].add(attempt_id)
    owners = {}
    for row in rows:
        named = (
            {row.correlation_id} & known if row.correlation_id else attempts_by_call.get(row.provider_call_id, set())
        )
        if len(named) == 1:
            owners[row.id] = next(iter(named))
    return owners


def _advance(
    db: Connection, attempt: OpenAttempt, heard: Sequence[Receipt], settings: AccountSettings, *, now: datetime
) -> None:
    call = next((receipt.provider_call_id for receipt in heard if receipt.provider_call_id), None)
    if attempt.status in UNANSWERED_REQUESTS or (call and attempt.provider_call_id is None):
        accept(db, attempt, call, settings, now=now, evidence=Evidence.RECEIPT)
    summary = summarize_receipts(heard)
    reduced = believed_summary(summary, attempt, now)
    answered = summary.progress is Progress.ANSWERED or summary.answered_at is not None
    if answered and attempt.status in (*UNANSWERED_REQUESTS, AttemptStatus.PLACED):
        move_attempt(db, attempt.id, AttemptStatus.ANSWERED, answered_at=reduced.answered_at or now)
    if reduced.tells_all or reduced.outcome in REACHED:
        correct(db, attempt, reduced, speed=settings.speed, now=now)
    if reduced.ended:
        _conclude_soon(db, attempt, reduced, settings, now)


def believed_summary(summary: CallSummary, attempt: OpenAttempt, now: datetime) -> CallSummary:
    """The summary without times that lie before the call or ahead of now."""
    answered_at = believed_since(summary.answered_at, attempt.dialing_at, now)
    ended_at = believed_since(summary.ended_at, attempt.dialing_at, now)
    return replace(summary, answered_at=answered_at, ended_at=ended_at)


def _conclude_soon(
    db: Connection, attempt: OpenAttempt, reduced: CallSummary, settings: AccountSettings, now: datetime
) -> None:
    soon = now + timedelta(seconds=grace_seconds(settings, ENDING_GRACE if reduced.tells_all else UNTOLD_GRACE))
    unsettled = attempts.c.status.in_(PLACED_CALLS)
    later = attempts.c.conclude_at > soon
    db.execute(update(attempts).where(attempts.c.id == attempt.id, unsettled, later).values(conclude_at=soon))


def forget_unmatched(db: Connection, now: datetime, *, keyed_hash: Callable[[str], str]) -> int:
    """Stop looking for the attempts of receipts that were not matched within a day.

    They stay on record, but the bodies of those that contain an erased number are emptied.
    """
    old = and_(receipts.c.applied_at.is_(None), receipts.c.received_at <= now - UNMATCHED_KEPT)
    erasures.empty_those_that_name_erased(db, old, keyed_hash=keyed_hash)
    return row_count(db, update(receipts).where(old).values(applied_at=now))
