"""The sweep: settles what was left behind – stale claims, unanswered requests, silent calls – and ends campaigns.

Every step is a compare-and-set, so that two sweeps at once, or none for an hour, do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from structlog import get_logger

from campaigns.ledger import claims, queries
from campaigns.ledger.drafts import clear_abandoned
from campaigns.ledger.moves import move_campaign
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import contacts
from campaigns.lifecycle import FINISHABLE_CAMPAIGNS, PROGRAM, CampaignStatus, ContactStatus
from campaigns.operations.erasure import finish_erasures
from campaigns.runtime import Runtime
from campaigns.settlement.receipts import accounts_waiting, apply_waiting, forget_unmatched
from campaigns.settlement.timeouts import conclude_due, mark_stale_unconfirmed

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What one sweep found to do."""

    given_back: int
    doubted: int
    concluded: int
    erased: int
    finished: int


def sweep(*, using: Runtime) -> SweepResult:
    """Settle whatever is past its time; returns what was done."""
    now = using.clock()
    given_back = using.ledger.write(claims.give_back_stale, now)
    with using.ledger.reading() as db:
        waiting = accounts_waiting(db)
    for account in (using.accounts[name] for name in sorted(waiting & using.accounts.keys())):
        using.ledger.write(apply_waiting, account.name, account.settings, now=now)
    using.ledger.write(forget_unmatched, now, fingerprint=using.ledger.fingerprint)
    clear_abandoned(using.ledger, now)
    done = SweepResult(
        given_back=given_back,
        doubted=mark_stale_unconfirmed(using),
        concluded=conclude_due(using),
        erased=finish_erasures(using.ledger, now=now),
        finished=_finish(using),
    )
    if done.given_back or done.doubted or done.erased:
        log.info("swept", given_back=done.given_back, doubted=done.doubted, erased=done.erased)
    return done


def _finish(using: Runtime) -> int:
    now = using.clock()
    certainly = min(using.moments())  # what has expired stays so: a clock that was set forward expires nobody
    using.ledger.write(claims.expire, certainly)
    using.ledger.write(claims.cancel_left, now)
    with using.ledger.reading() as db:
        over = [one for one in queries.all_campaigns(db, FINISHABLE_CAMPAIGNS) if _may_be_over(db, one, certainly)]
    return sum(using.ledger.write(_finish_one, campaign, now, certainly) for campaign in over)


def _may_be_over(db: Connection, campaign: Campaign, certainly: datetime) -> bool:
    """Whether it is worth a transaction of its own, each second, to see."""
    return _has_passed(campaign.definition.ends_at, certainly) or not queries.unfinished(db, campaign.id)


def _has_passed(end: datetime | None, certainly: datetime) -> bool:
    return end is not None and certainly >= end


def _finish_one(db: Connection, campaign: Campaign, now: datetime, certainly: datetime) -> bool:
    if _has_passed(campaign.definition.ends_at, certainly):
        theirs, reason = contacts.c.campaign_id == campaign.id, "the campaign's end passed before it was reached"
        claims.end_waiting(db, ContactStatus.EXPIRED, theirs, reason=reason, now=now)
    if campaign.contacts == 0 or queries.unfinished(db, campaign.id):
        return False
    return move_campaign(db, campaign.id, CampaignStatus.FINISHED, now, who=PROGRAM, reason="every contact is final")
