"""Settles attempts whose time is up: requests without an answer, and calls of which nothing more is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, update

from campaigns.ledger import queries
from campaigns.ledger.moves import move_attempt
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.receipts import receipts_of
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import FOLLOWED_ATTEMPTS, AttemptStatus, Step
from campaigns.runtime import Runtime, contained, names_of
from campaigns.settlement.call_status import NotAsked, fetch_call_status, knows_better, worth_asking
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.polling import MISSES_BEFORE_GONE, ending_by_looks
from campaigns.settlement.receipts import believed_summary
from campaigns.settlement.responses import hear_tags
from campaigns.settlement.rulings import accept, mark_unconfirmed, settle_not_placed
from dialer.account import Account
from dialer.bucket import BucketUnavailable
from dialer.calls import Outcome, Progress
from dialer.log import get_logger
from dialer.providers.bounds import believed_since
from dialer.providers.provider import CallStatus
from dialer.receipts import summarize_receipts
from dialer.verdicts import Ruling, Verdict

log = get_logger()
MOST_ASKED = 10  # calls that one sweep asks about, so that it ends; the next goes on
ASKED_AGAIN = 15.0  # seconds of the provider's clock between two questions about a call its report does not have yet
LONGEST_CALL = timedelta(hours=1)  # from then on it is concluded, though the provider says that it goes on
SETTLES_WITHOUT_ACCOUNT = 180.0
TRIED_AGAIN_AFTER = timedelta(seconds=5)  # at the least, where an error of ours kept an attempt from being settled
HTTP_STATUS = re.compile(r"[1-5]\d\d")
NOT_HOW = "the provider told that the call had ended, and never how: it may have been answered"
HUNG_UP = "the person called hung up, and the provider never told whether that was after answering"


def mark_stale_unconfirmed(using: Runtime) -> int:
    """Mark attempts unconfirmed whose worker never wrote an answer: the request may have left."""
    now = using.clock()
    ruling = Ruling(verdict=Verdict.UNCONFIRMED, detail="its worker stopped between the request and the answer")
    with using.ledger.reading() as db:
        stale = queries.attempts_in(db, [AttemptStatus.DIALING], conclude_by=now)
    marked = 0
    for attempt in stale:
        with _tried_again_later(attempt, using):
            settle_seconds = _settle_seconds(attempt, using)
            marked += using.ledger.write(mark_unconfirmed, attempt, ruling, settle_seconds=settle_seconds, now=now)
    return marked


@contextmanager
def _tried_again_later(attempt: OpenAttempt, using: Runtime) -> Iterator[None]:
    """What the block raises is contained, and the attempt left alone for as long as it is old, an hour at the most."""
    now = using.clock()
    with contained(Step.SWEEP, using.ledger, now, **names_of(attempt)) as errors:
        yield
    if errors:
        later = now + min(max(now - attempt.dialing_at, TRIED_AGAIN_AFTER), LONGEST_CALL)
        one = update(attempts).where(attempts.c.id == attempt.id, attempts.c.conclude_at <= now)
        with contained(Step.SWEEP, using.ledger, now, **names_of(attempt)):
            using.ledger.write(lambda db: db.execute(one.values(conclude_at=later)).rowcount)


def _settle_seconds(attempt: OpenAttempt, using: Runtime) -> float:
    """Of its account; a default if the account is gone from the settings."""
    account = using.accounts.get(attempt.account)
    return account.settings.settle_seconds if account else SETTLES_WITHOUT_ACCOUNT


def conclude_due(using: Runtime) -> int:
    """Settle attempts whose `conclude_at` has passed; a call that goes on gets a later one. Returns how many."""
    with using.ledger.reading() as db:
        due = queries.attempts_in(db, FOLLOWED_ATTEMPTS, conclude_by=using.clock())
    asked = concluded = 0
    spent: set[str] = set()  # accounts of which no other call can be asked about now
    for attempt in due:
        with _tried_again_later(attempt, using):
            account, status = using.accounts.get(attempt.account), None
            if account is not None and _worth_asking(attempt, account, using):
                if asked == MOST_ASKED or account.name in spent:
                    continue  # its turn to be asked about comes later
                status = fetch_call_status(attempt, account)
                if isinstance(status, NotAsked):
                    spent |= {account.name} if status is NotAsked.ACCOUNT_BUSY else set()
                    continue
                asked += 1
            if using.ledger.write(_conclude, attempt.id, status, using):
                concluded += 1
                _free_place(attempt, account)
    return concluded


def _worth_asking(attempt: OpenAttempt, account: Account, using: Runtime) -> bool:
    with using.ledger.reading() as db:
        return worth_asking(db, attempt, account)


def _conclude(db: Connection, attempt_id: UUID, status: CallStatus | None, using: Runtime) -> bool:
    """Settle an attempt whose time has come, unless something was heard of it in the meantime."""
    now = using.clock()
    attempt = queries.attempts_by_id(db, [attempt_id], lock=True)[attempt_id]
    if attempt.conclude_at is None or attempt.conclude_at > now:
        return False
    if attempt.provider_said_it_failed and attempt.looks >= MISSES_BEFORE_GONE:
        detail = "the provider said that it failed, and listed no such call"
        return settle_not_placed(db, attempt, detail, now=now, rng=using.rng)
    if status is not None:
        status = _believed(status, attempt, now)
    if status is not None:
        hear_tags(db, attempt, status.tags, now=now)
    if status is not None and status.progress is not None:
        attempt = _believe_status(db, attempt, status, using, now)
        if status.progress is not Progress.ENDED and (
            _waits_at_provider(attempt, status.progress) or now < (attempt.send_at or attempt.dialing_at) + LONGEST_CALL
        ):
            return False
    account = using.accounts.get(attempt.account)
    ending = _ending(db, attempt, status, account.settings.speed if account else 1.0, now)
    if attempt.gone_at is not None and (ending.evidence is Evidence.SILENCE or ending.outcome is Outcome.UNKNOWN):
        return _conclude_gone(db, attempt, attempt.gone_at, using, now)
    return conclude(db, attempt, ending, now=now)


def _believed(status: CallStatus, attempt: OpenAttempt, now: datetime) -> CallStatus:
    """The status without times that lie before the call or ahead of now."""
    answered_at = believed_since(status.answered_at, attempt.dialing_at, now)
    ended_at = believed_since(status.ended_at, attempt.dialing_at, now)
    return replace(status, answered_at=answered_at, ended_at=ended_at)


def _waits_at_provider(attempt: OpenAttempt, progress: Progress) -> bool:
    """Whether the provider was asked to wait, has the call and has not begun it: it may still ring."""
    return attempt.send_at is not None and progress is Progress.PLACED


def _conclude_gone(db: Connection, attempt: OpenAttempt, gone_at: datetime, using: Runtime, now: datetime) -> bool:
    """Settle a call that is gone from the provider's list: wait for a late report first, then go by the polls."""
    account = using.accounts.get(attempt.account)
    if account is None:
        return conclude(db, attempt, Ending(outcome=Outcome.UNKNOWN, ended_at=gone_at), now=now)
    if account.settings.has_report and now < gone_at + timedelta(seconds=account.settings.settle_seconds):
        later = now + timedelta(seconds=max(account.scaled(ASKED_AGAIN), 1.0))
        db.execute(update(attempts).where(attempts.c.id == attempt.id).values(conclude_at=later))
        return False
    ending = ending_by_looks(attempt, gone_at, account)
    if ending.outcome is Outcome.NO_ANSWER and summarize_receipts(receipts_of(db, attempt.id)).hung_up:
        ending = replace(ending, outcome=Outcome.REJECTED, detail=f"{ending.detail}, and the person called hung up")
    return conclude(db, attempt, ending, now=now)


def _believe_status(
    db: Connection, attempt: OpenAttempt, status: CallStatus, using: Runtime, now: datetime
) -> OpenAttempt:
    """Note what the provider says of a call it knows: it counts, and it is not concluded while it goes on."""
    account = using.accounts[attempt.account]
    call = attempt.provider_call_id or status.ruling.provider_call_id
    accept(db, attempt, call, account.settings, now=now, evidence=Evidence.ASKING)
    if status.progress is Progress.ANSWERED:
        move_attempt(db, attempt.id, AttemptStatus.ANSWERED, answered_at=status.answered_at or now)
    later = now + timedelta(seconds=account.settings.settle_seconds)
    db.execute(update(attempts).where(attempts.c.id == attempt.id).values(conclude_at=later))
    return queries.attempts_by_id(db, [attempt.id])[attempt.id]


def _ending(db: Connection, attempt: OpenAttempt, status: CallStatus | None, speed: float, now: datetime) -> Ending:
    """How the call ended, by receipts, the provider's status of it, or silence; its talk in the provider's seconds."""
    summary = believed_summary(summarize_receipts(receipts_of(db, attempt.id)), attempt, now)
    better_known = status is not None and knows_better(status, summary)
    if summary.tells_all and summary.outcome is not None and not better_known:
        answered_at = summary.answered_at or attempt.answered_at
        return Ending(
            outcome=summary.outcome,
            ended_at=_plausible(summary.ended_at, attempt, now),
            answered_at=answered_at,
            talk_seconds=_between(answered_at, summary.ended_at or now, speed),
        )
    if status is not None and status.outcome is not None and better_known:
        return Ending(
            outcome=status.outcome,
            ended_at=_plausible(status.ended_at, attempt, now),
            evidence=Evidence.ASKING,
            answered_at=status.answered_at,
            talk_seconds=status.talk_seconds,
            detail="its last receipt never came: settled by asking the provider",
        )
    if summary.ended:
        ended_at = _plausible(summary.ended_at, attempt, now)
        return Ending(outcome=Outcome.UNKNOWN, ended_at=ended_at, detail=HUNG_UP if summary.hung_up else NOT_HOW)
    if attempt.status is AttemptStatus.ANSWERED:
        detail = "answered; its end was never told"
        return Ending(outcome=Outcome.ANSWERED, ended_at=now, evidence=Evidence.SILENCE, detail=detail)
    reason, detail = _silence_words(attempt)
    return Ending(outcome=Outcome.UNKNOWN, ended_at=now, evidence=Evidence.SILENCE, detail=detail, reason=reason)


def _plausible(ended_at: datetime | None, attempt: OpenAttempt, now: datetime) -> datetime:
    """When the call ended. Retries count from then, so a time that cannot be right is replaced by `now`."""
    return ended_at if ended_at is not None and attempt.dialing_at <= ended_at <= now else now


def _between(answered_at: datetime | None, ended_at: datetime, speed: float) -> float | None:
    return max(0.0, (ended_at - answered_at).total_seconds() * speed) if answered_at else None


def _silence_words(attempt: OpenAttempt) -> tuple[str, str]:
    """The contact's reason, which can be counted, and what the attempt keeps: what came instead of a plain answer."""
    if attempt.status is not AttemptStatus.UNCONFIRMED:
        reason = "the provider took the call and never told how it ended"
        return reason, reason
    word = attempt.mnemonic or attempt.code
    if word is None:
        known = "no answer to the request is known"
    else:
        named = f"HTTP {word}" if HTTP_STATUS.fullmatch(word) else word
        known = f"the provider's answer ({named}) did not say whether the call was placed"
    heard = "nothing was heard of the call: it may have rung"
    return f"{known}, and {heard}", f"{attempt.detail or known}; {heard}"


def _free_place(attempt: OpenAttempt, account: Account | None) -> None:
    try:
        if account is not None:
            account.bucket.end_calls([str(attempt.id)], campaign=attempt.campaign_id)
    except BucketUnavailable as exc:
        log.warning("bucket away", account=attempt.account, why=exc.message)
