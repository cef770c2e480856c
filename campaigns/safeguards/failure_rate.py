"""Counts failed requests: the share that failed lately, whether all of the latest did, and the provider's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, select

from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts
from dialer.verdicts import Verdict

if TYPE_CHECKING:
    from campaigns.definition.sections.breaker import Breaker

FAILURES = (Verdict.NOT_PLACED, Verdict.UNCONFIRMED, Verdict.LOGIN_AGAIN)
NEITHER = (Verdict.THROTTLED, Verdict.NOT_SENT)  # it works, and was not asked
FAILURES_SHOWN = 3
DETAIL_SHOWN = 80
FAILURES_IN_A_ROW = 20  # however long ago: a slow campaign makes no twenty requests in two minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many requests of one campaign are decided, and how many of them failed."""

    requests: int = 0
    failed: int = 0

    def too_many(self, breaker: Breaker) -> bool:
        """Whether so many failed that the breaker must open."""
        return self.requests >= breaker.at_least and self.failed / self.requests >= breaker.failures


def tally(db: Connection, campaign: Campaign, now: datetime) -> Tally:
    """Requests decided within `breaker.within` and since the campaign last began to run: a resume starts anew."""
    since = max(now - campaign.definition.breaker.within, campaign.since)
    failed = func.sum(case((attempts.c.verdict.in_(FAILURES), 1), else_=0))
    row = db.execute(
        select(func.count(), failed).where(*requests_since(campaign.id, since), attempts.c.verdict.not_in(NEITHER))
    ).one()
    return Tally(requests=row[0], failed=row[1] or 0)


def only_failures(db: Connection, campaign: Campaign) -> bool:
    """Whether the last FAILURES_IN_A_ROW requests all failed; False if there are fewer since the last resume."""
    requests = requests_since(campaign.id, campaign.since)
    latest = (
        select(attempts.c.verdict)
        .where(*requests, attempts.c.verdict.not_in(NEITHER))
        .order_by(attempts.c.dialing_at.desc())
        .limit(FAILURES_IN_A_ROW)
    )
    verdicts = list(db.scalars(latest))
    return len(verdicts) == FAILURES_IN_A_ROW and all(verdict in FAILURES for verdict in verdicts)


def requests_since(campaign_id: str, moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which attempts are a campaign's requests from a moment on."""
    return attempts.c.campaign_id == campaign_id, attempts.c.dialing_at >= moment


def last_failures(db: Connection, campaign_ids: Iterable[str]) -> str:
    """The latest failures of these campaigns, each with the provider's word and its time."""
    query = (
        select(attempts.c.mnemonic, attempts.c.code, attempts.c.detail, attempts.c.verdict, attempts.c.dialing_at)
        .where(attempts.c.campaign_id.in_(list(campaign_ids)), attempts.c.verdict.in_(FAILURES))
        .order_by(attempts.c.dialing_at.desc())
        .limit(FAILURES_SHOWN)
    )
    return ", ".join(f"{failure_word(row)} ({row.dialing_at:%H:%M:%S})" for row in db.execute(query))


def failure_word(row: Row[Any, Any, Any, Any, Any]) -> str:
    """A failed request in a few words: the provider's or ours, and what it means."""
    word, detail = row.mnemonic or row.code, str(row.detail or "")[:DETAIL_SHOWN]
    if word and detail:
        return f"{word}: {detail}"
    return word or detail or ("no answer" if row.verdict == Verdict.UNCONFIRMED else "no call")
