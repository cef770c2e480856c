"""Follows calls by polling the provider's list of calls in progress, where it sends no receipts.

A call that was seen talking and is gone was answered. One that was never seen talking was not answered, unless two
polls lay further apart than its message takes to say: then it could have been, and its outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, update

from campaigns.ledger import queries
from campaigns.ledger.moves import move_attempt
from campaigns.ledger.queries import OpenAttempt
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import FOLLOWED_ATTEMPTS, UNANSWERED_REQUESTS, AttemptStatus, Step
from campaigns.runtime import EVERYBODYS, Runtime, all_or_each, contained, names_of
from campaigns.settlement.endings import Ending, conclude
from campaigns.settlement.evidence import Evidence
from campaigns.settlement.responses import hear_tags
from campaigns.settlement.rulings import accept, settle_not_placed
from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, LimitName
from dialer.call_kinds import Informer
from dialer.calls import ListedCall, Outcome, Progress
from dialer.follow_timing import MIN_REPORT_DELAY, REPORT_DELAY, poll_interval
from dialer.log import get_logger
from dialer.providers.provider import Follows, Listing
from dialer.seldom import Seldom

log = get_logger()
_named = Seldom()
APPEARS_WITHIN = 2.0  # seconds of the provider's clock until a placed call must show in its list
MISSES_BEFORE_GONE = 2  # looks that must miss a call never seen; one is enough for a call that was seen
STILL_UNANSWERED = (Progress.PLACED, Progress.RINGING)  # seen so, a call cannot have been answered before
PATIENCE = 2.0
TWO_POLLERS_DEAD = 3.0  # our seconds: two leases, and some for those who go on
LOOKERS_LEASE = 1.0  # our seconds for which a look under way keeps the next from beginning, unless its worker goes on
LOOKED_FOR = (*FOLLOWED_ATTEMPTS, AttemptStatus.DIALING)  # the last in case the worker died before it heard the answer


def poll_accounts(*, using: Runtime) -> None:
    """Poll the calls in progress of every account; what one raises keeps no other from being polled."""
    try:
        with using.ledger.reading() as db:
            calling = queries.accounts_with(db, LOOKED_FOR)
    except EVERYBODYS as exc:
        log.error("calls are not followed", why=exc.message, remedy=exc.remedy)
        return
    for name, account in using.accounts.items():
        if name not in calling:
            continue
        try:
            with contained(Step.LOOK, using.ledger, using.clock(), account=name):
                poll_calls(account, using=using)
        except EVERYBODYS as exc:
            log.error("calls are not followed", account=name, why=exc.message, remedy=exc.remedy)


def poll_calls(account: Account, *, using: Runtime) -> int:
    """Poll an account's calls in progress, if it is time and there are any; returns how many calls ended."""
    if account.provider.follows is not Follows.LISTING:
        return 0
    with using.ledger.reading() as db:
        followed = queries.attempts_in(db, LOOKED_FOR, account=account.name)
    if not any(_may_show(attempt, using.clock(), account) for attempt in followed):
        return 0
    lease = _LookLease(account, min(attempt.script_seconds for attempt in followed))
    if not lease.claim():
        return 0
    grant_id = f"look:{uuid4()}"
    answer = account.bucket.take(grant_id, patience=PATIENCE, points=1, call=False)
    if not answer.granted:
        lease.release()
        if _named.is_due(account.name):
            log.warning("no token to look at calls in progress", account=account.name, limit=answer.limit)
        return 0
    looked_at = using.clock()
    listing = account.look(meanwhile=lease.goes_on)
    heard_at = using.clock()
    lease.done()
    ended = _apply_to(followed, listing, looked_at, heard_at, account, using) if listing.usable else []
    _settle_grant(grant_id, listing, account, ended)
    return len(ended)


def _may_show(attempt: OpenAttempt, now: datetime, account: Account) -> bool:
    """Whether an attempt is worth a look: its request was answered, or should have been."""
    waiting = (now - attempt.dialing_at).total_seconds()
    return attempt.status is not AttemptStatus.DIALING or waiting >= account.scaled(APPEARS_WITHIN)


class _LookLease:
    """The lease to look at an account's calls: the shorter the shortest message that may be spoken, the more often.

    It is kept for a second while its look is under way, and again and again: a worker that was killed in the middle of
    a look does not keep the others from looking for long.
    """

    def __init__(self, account: Account, message_seconds: float) -> None:
        self._bucket, settings = account.bucket, account.settings
        self._between = poll_interval(settings, message_seconds)
        if self._between < settings.poll_seconds:
            windows = self._bucket.peek().windows
            minute = (window.limit for window in windows if window.name == LimitName.MINUTE_POINTS)
            self._between = poll_interval(settings, message_seconds, next(minute, None))
        self._name = f"look every {self._between:.1f} s"  # a lease of slower looks holds up none of these
        self._began = self._bucket.steady()

    def claim(self) -> bool:
        """Whether to look now."""
        return self._bucket.claim_lease(self._name, min(self._between, LOOKERS_LEASE))

    def goes_on(self) -> None:
        """The look is under way still; but once the next one is due, it need not wait for this."""
        self._hold(min(self._left(), LOOKERS_LEASE))

    def done(self) -> None:
        """The next look is due when its time has passed since this one began."""
        self._hold(self._left())

    def _left(self) -> float:
        return self._between - (self._bucket.steady() - self._began)

    def _hold(self, seconds: float) -> None:
        with suppress(BucketUnavailable):
            if seconds > 0:
                self._bucket.extend_lease(self._name, seconds)

    def release(self) -> None:
        """Nobody has looked: the next tick may."""
        with suppress(BucketUnavailable):
            self._bucket.release_lease(self._name)


def _settle_grant(grant_id: str, listing: Listing, account: Account, ended: list[OpenAttempt]) -> None:
    ruling = listing.ruling
    if not listing.usable:
        log.warning("the list of calls was refused", account=account.name, why=ruling.why)
    try:
        account.bucket.settle_all([replace(GrantResult.from_ruling(grant_id, ruling), charged=listing.usable)])
        for attempt in ended:
            account.bucket.end_calls([str(attempt.id)], campaign=attempt.campaign_id)
    except BucketUnavailable as exc:
        log.warning("bucket away", account=account.name, why=exc.message)


def _apply_to(
    followed: Sequence[OpenAttempt],
    listing: Listing,
    looked_at: datetime,
    heard_at: datetime,
    account: Account,
    using: Runtime,
) -> list[OpenAttempt]:
    def act(some: Sequence[OpenAttempt]) -> list[OpenAttempt]:
        ids = None if some is followed else {attempt.id for attempt in some}
        return using.ledger.write(_apply, listing, looked_at, heard_at, account, using, ids)

    return all_or_each(Step.LOOK, using.ledger, looked_at, followed, act, names_of)


def _apply(
    db: Connection,
    listing: Listing,
    looked_at: datetime,
    heard_at: datetime,
    account: Account,
    using: Runtime,
    only: Collection[UUID] | None = None,
) -> list[OpenAttempt]:
    """Apply a list of calls, which was made at some moment between the request and its answer."""
    by_call = {sighting.provider_call_id: sighting for sighting in listing.seen}
    by_attempt = {sighting.correlation_id: sighting for sighting in listing.seen if sighting.correlation_id}
    ended = []
    for attempt in queries.attempts_in(db, LOOKED_FOR, account=account.name, lock=True):
        sighting = by_attempt.get(attempt.id) or by_call.get(attempt.provider_call_id or "")
        if attempt.gone_at is not None or (only is not None and attempt.id not in only):
            continue
        if sighting is not None and sighting.correlation_id not in {None, attempt.id}:
            continue  # one of its two ids is wrong, so it shows neither that this call goes on nor that it is over
        if sighting is not None:
            _seen(db, attempt, sighting, looked_at, heard_at, account)
        elif _could_show(attempt, looked_at, account) and _missed(db, attempt, looked_at, heard_at, account, using):
            ended.append(attempt)
    return ended


def _could_show(attempt: OpenAttempt, looked_at: datetime, account: Account) -> bool:
    """Whether a call missing from this list is really missing: the poll began some time after the call was requested.

    A poll that a later one has overtaken says nothing, nor does one while the request's own answer is waited for.
    """
    if attempt.status is AttemptStatus.DIALING:
        return False
    last = attempt.looked_at or 0.0
    requested_at = attempt.placed_at.timestamp() if attempt.placed_at else last
    return looked_at.timestamp() >= max(requested_at + account.scaled(APPEARS_WITHIN), last)


def _seen(
    db: Connection,
    attempt: OpenAttempt,
    sighting: ListedCall,
    looked_at: datetime,
    heard_at: datetime,
    account: Account,
) -> None:
    if attempt.status in UNANSWERED_REQUESTS:
        accept(db, attempt, sighting.provider_call_id, account.settings, now=looked_at, evidence=Evidence.LIST)
        # Nobody looked when the doubt began: this is the first look, and as old as its question.
        attempt = replace(attempt, looked_at=attempt.dialing_at.timestamp())
    if sighting.progress is Progress.ANSWERED:
        move_attempt(db, attempt.id, AttemptStatus.ANSWERED, answered_at=looked_at)
    _remember_look(
        db,
        attempt,
        looked_at,
        seen=True,
        longest_gap=0.0 if sighting.progress in STILL_UNANSWERED else _longest_gap(attempt, heard_at),
        puzzled=attempt.puzzled or sighting.progress is None,
        conclude_at=looked_at + timedelta(seconds=account.settings.settle_seconds),
    )
    hear_tags(db, attempt, sighting.tags, now=looked_at)


def _missed(
    db: Connection, attempt: OpenAttempt, looked_at: datetime, heard_at: datetime, account: Account, using: Runtime
) -> bool:
    """A call is not in the list; True when it is over."""
    gap = _longest_gap(attempt, heard_at)
    _remember_look(db, attempt, looked_at, longest_gap=gap)
    if not attempt.seen and attempt.looks + 1 < MISSES_BEFORE_GONE:
        return False
    if attempt.provider_said_it_failed:
        detail = "the provider said that it failed, and lists no such call"
        return settle_not_placed(db, attempt, detail, now=looked_at, rng=using.rng)
    if attempt.status is AttemptStatus.UNCONFIRMED:
        return False  # it may have been placed and be over: only time, or a receipt, settles it
    if patience := _report_wait(account):
        later = looked_at + timedelta(seconds=patience)
        gone = update(attempts).where(attempts.c.id == attempt.id).values(gone_at=looked_at, conclude_at=later)
        db.execute(gone)
        return True
    return conclude(db, attempt, ending_by_looks(replace(attempt, longest_gap=gap), looked_at, account), now=looked_at)


def _report_wait(account: Account) -> float | None:
    """Seconds to wait for a report of a call that is gone from the list; None where none will come."""
    settings = account.settings
    if not settings.sends_endings and not settings.has_report:
        return None
    return max(account.scaled(REPORT_DELAY), MIN_REPORT_DELAY)


def ending_by_looks(attempt: OpenAttempt, looked_at: datetime, account: Account) -> Ending:
    """How a call that is gone from the list ended, as far as polling can tell."""
    if attempt.status is AttemptStatus.ANSWERED and attempt.answered_at:
        return _seen_to_end(Outcome.ANSWERED, looked_at, talk_seconds=_talked(attempt, looked_at, account))
    if attempt.puzzled:
        return _seen_to_end(
            Outcome.UNKNOWN,
            looked_at,
            detail="the provider's list did not tell whether it was answered: its state there is no word we know",
        )
    gap = _longest_gap(attempt, looked_at)
    # A list that keeps an answer until two polls have shown it tells all, unless two pollers died with what they saw.
    kept_for_us = account.settings.shows_every_answer and gap < TWO_POLLERS_DEAD
    if gap >= account.scaled(attempt.script_seconds) and not kept_for_us:
        return _seen_to_end(
            Outcome.UNKNOWN,
            looked_at,
            detail=f"nobody looked for {gap:.1f} s, in which the whole message could have been played",
            reason="nobody looked often enough to tell whether it was answered",
        )
    return _seen_to_end(Outcome.NO_ANSWER, looked_at, detail="it was never seen answered")


def _talked(attempt: OpenAttempt, looked_at: datetime, account: Account) -> float:
    """Seconds of talk by the provider's clock, as exact as polls are frequent.

    At speed they are far apart by that clock: there a message is taken to last as long as it takes to say.
    """
    since = attempt.answered_at or looked_at
    talked = (looked_at - since).total_seconds() * account.settings.speed
    is_message = account.settings.shows_every_answer and isinstance(attempt.definition.call, Informer)
    return min(talked, attempt.script_seconds) if is_message else talked


def _seen_to_end(outcome: Outcome, looked_at: datetime, **facts: Any) -> Ending:
    return Ending(outcome=outcome, ended_at=looked_at, evidence=Evidence.LIST, **facts)


def _remember_look(db: Connection, attempt: OpenAttempt, looked_at: datetime, **facts: object) -> None:
    latest = max(looked_at.timestamp(), attempt.looked_at or 0.0)
    facts |= {"looked_at": latest, "looks": attempt.looks + 1}
    db.execute(update(attempts).where(attempts.c.id == attempt.id).values(**facts))


def _longest_gap(attempt: OpenAttempt, until: datetime) -> float:
    """The longest time without a poll since the call was requested or last seen ringing.

    From the request of one poll to the answer of the next: the list may be that much older or younger.
    """
    since = until.timestamp() if attempt.looked_at is None else attempt.looked_at
    return max(attempt.longest_gap, until.timestamp() - since)
