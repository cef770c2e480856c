"""The sweep: settles what was left behind – stale claims, unanswered requests, silent calls – and ends campaigns.

Every step is a compare-and-set, so that two sweeps at once, or none for an hour, do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, update
from structlog import get_logger

from campaigns.ledger import claims, reading
from campaigns.ledger.moves import move_campaign, touched
from campaigns.ledger.reading import Campaign, OpenAttempt
from campaigns.ledger.receipts import receipts_of
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from campaigns.parts import Parts
from campaigns.receiving import apply_waiting, forget_unmatched
from campaigns.settlement import Ending, conclude, doubt, never_placed
from dialer.account import Account
from dialer.calls import Outcome, Progress
from dialer.providers.provider import CallStatus
from dialer.receipts import reduce_receipts
from dialer.token_bucket import BucketAway
from dialer.verdicts import Ruling, Verdict

log = get_logger()
FOLLOWED = (AttemptStatus.PLACED, AttemptStatus.ANSWERED)
SWEPT = (CampaignStatus.RUNNING, CampaignStatus.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep found to do."""

    given_back: int
    doubted: int
    concluded: int
    finished: int


def sweep(*, using: Parts) -> Swept:
    """Settle whatever is past its time; returns what was done."""
    now = using.clock()
    given_back = using.ledger.write(claims.give_back_stale, now)
    for account in using.accounts.values():
        using.ledger.write(apply_waiting, account.name, account.settings, now=now)
    using.ledger.write(forget_unmatched, now)
    done = Swept(
        given_back=given_back,
        doubted=_doubt_stale(using),
        concluded=_conclude_due(using),
        finished=_finish(using),
    )
    if done.given_back or done.doubted:
        log.info("swept", given_back=done.given_back, doubted=done.doubted)
    return done


def _doubt_stale(using: Parts) -> int:
    """Attempts whose worker never wrote an answer: the request may have left."""
    now = using.clock()
    ruling = Ruling(verdict=Verdict.UNCONFIRMED, detail="its worker stopped between the request and the answer")
    with using.ledger.reading() as db:
        stale = reading.attempts_in(db, [AttemptStatus.DIALING], conclude_by=now)
    for attempt in stale:
        if account := using.accounts.get(attempt.account):
            using.ledger.write(doubt, attempt, ruling, account.settings, now=now)
    return len(stale)


def _conclude_due(using: Parts) -> int:
    now = using.clock()
    with using.ledger.reading() as db:
        due = reading.attempts_in(db, [*FOLLOWED, AttemptStatus.UNCONFIRMED], conclude_by=now)
    concluded = 0
    for attempt in due:
        account = using.accounts.get(attempt.account)
        told = _ask(attempt, account, using) if account else None
        if using.ledger.write(_conclude, attempt, told, using):
            concluded += 1
            _hang_up(attempt, account)
    return concluded


def _ask(attempt: OpenAttempt, account: Account, using: Parts) -> CallStatus | None:
    """Ask the provider about a call that nothing was heard of, where it can be asked about one."""
    if attempt.provider_call_id is None or account.provider.asking(attempt.provider_call_id) is None:
        return None
    with using.ledger.reading() as db:
        if reduce_receipts(receipts_of(db, attempt.id)).ending:
            return None
    return account.ask(attempt.provider_call_id)


def _conclude(db: Connection, attempt: OpenAttempt, told: CallStatus | None, using: Parts) -> bool:
    now = using.clock()
    if attempt.status is AttemptStatus.UNCONFIRMED and attempt.mnemonic and attempt.looks and not attempt.seen:
        never_placed(db, attempt, "the provider said that it failed, and listed no such call", now=now, rng=using.rng)
        return True
    return conclude(db, attempt, _ending(db, attempt, told, now), now=now)


def _ending(db: Connection, attempt: OpenAttempt, told: CallStatus | None, now: datetime) -> Ending:
    heard = reduce_receipts(receipts_of(db, attempt.id))
    answered_at = heard.answered_at or attempt.answered_at
    if heard.ending and heard.outcome is not None:
        ended_at = heard.ended_at or now
        return Ending(
            outcome=heard.outcome,
            ended_at=ended_at,
            answered_at=answered_at,
            talk_seconds=(ended_at - answered_at).total_seconds() if answered_at else None,
        )
    if told is not None and told.progress is Progress.ENDED and told.outcome is not None:
        return Ending(
            outcome=told.outcome,
            ended_at=told.ended_at or now,
            answered_at=told.answered_at,
            talk_seconds=told.talk_seconds,
            detail="its last receipt never came: settled by asking the provider",
        )
    if attempt.status is AttemptStatus.ANSWERED:
        detail = "answered; its end was never told"
        return Ending(outcome=Outcome.ANSWERED, ended_at=now, answered_at=answered_at, detail=detail)
    return Ending(outcome=Outcome.UNKNOWN, ended_at=now, detail=_silence(attempt))


def _silence(attempt: OpenAttempt) -> str:
    if attempt.status is AttemptStatus.UNCONFIRMED:
        return "the request was not answered and nothing was heard of the call: it may have rung"
    return "the provider took the call and never told how it ended"


def _hang_up(attempt: OpenAttempt, account: Account | None) -> None:
    try:
        if account is not None:
            account.bucket.hang_up([str(attempt.id)], campaign=attempt.campaign_id)
    except BucketAway as exc:
        log.warning("bucket away", account=attempt.account, why=exc.message)


def _finish(using: Parts) -> int:
    now = using.clock()
    using.ledger.write(claims.expire, now)
    with using.ledger.reading() as db:
        running = reading.all_campaigns(db, SWEPT)
    return sum(using.ledger.write(_finish_one, campaign, now) for campaign in running)


def _finish_one(db: Connection, campaign: Campaign, now: datetime) -> bool:
    end = campaign.definition.ends_at
    if end is not None and now >= end:
        _expire_all(db, campaign, now)
    if campaign.contacts == 0 or reading.unfinished(db, campaign.id):
        return False
    return move_campaign(db, campaign.id, CampaignStatus.FINISHED, now, who="dialer", reason="every contact is final")


def _expire_all(db: Connection, campaign: Campaign, now: datetime) -> int:
    waiting = contacts.c.status.in_([ContactStatus.PENDING, ContactStatus.CLAIMED])
    return touched(
        db,
        update(contacts)
        .where(contacts.c.campaign_id == campaign.id, waiting)
        .values(
            status=ContactStatus.EXPIRED,
            reason="the campaign's end passed before it was reached",
            final_at=now,
            claim=None,
            lease_until=None,
        ),
    )
