"""How a campaign stands at one moment: counts, outcomes, and the one reason why nothing is being dialed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, func, select

from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import (
    FINAL_CONTACTS,
    MISSED_CONTACTS,
    SHOWN_IN_PROGRESS,
    WAITING_CONTACTS,
    AttemptStatus,
    ContactStatus,
)
from campaigns.reporting.hold_reason import HoldKind, due, hold_reason

NOT_IN_STATUS = frozenset(
    {
        *("name", "account", "since", "held_by", "held_until"),
        *("created_at", "started_at", "finished_at", "final", "rejects"),
    }
)
"""Names of `summary_facts` that `dialer status --json` leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSummary:
    """A campaign at one moment.

    contacts     contacts by status
    outcomes     attempts by outcome, the most frequent first
    attempts     attempts that the provider accepted
    in_progress  calls in progress
    unconfirmed  attempts of which it is not known whether a call was placed
    due_now      contacts that are due; `next_due_at` is when the next one is
    why          what the campaign is doing, or why nothing is being dialed; `kind` is the same for code
    clears_at    when that will pass; None where it is not known
    """

    campaign: Campaign
    contacts: Mapping[ContactStatus, int]
    outcomes: Mapping[str, int]
    attempts: int
    in_progress: int
    unconfirmed: int
    due_now: int
    next_due_at: datetime | None
    why: str
    clears_at: datetime | None
    kind: HoldKind

    @property
    def final(self) -> int:
        """Contacts that have a final status."""
        return sum(count for status, count in self.contacts.items() if status in FINAL_CONTACTS)

    @property
    def waiting(self) -> int:
        """Contacts that are to be called, and are not being called: those whom a cancellation leaves out."""
        return sum(self.contacts.get(status, 0) for status in WAITING_CONTACTS)

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.contacts.values())


class ReasonCount(NamedTuple):
    """How many contacts have this final status for this reason; `reason` is blank where none was kept."""

    status: ContactStatus
    reason: str
    contacts: int


def summarize_campaign(
    db: Connection, campaign: Campaign, now: datetime, *, redis_answers: bool | None = None
) -> CampaignSummary:
    """How this campaign stands now. `redis_answers` is passed to `hold_reason`."""
    by_status = attempts_by(db, campaign.id, attempts.c.status)
    due_now, next_due_at = due(db, campaign.id, now)
    reason = hold_reason(db, campaign, now, redis_answers=redis_answers)
    return CampaignSummary(
        campaign=campaign,
        contacts=queries.count_by_status(db, campaign.id),
        outcomes=attempts_by(db, campaign.id, attempts.c.outcome),
        attempts=count_attempts(db, campaign.id),
        in_progress=sum(by_status.get(status, 0) for status in SHOWN_IN_PROGRESS),
        unconfirmed=by_status.get(AttemptStatus.UNCONFIRMED, 0),
        due_now=due_now,
        next_due_at=next_due_at,
        why=reason.words,
        clears_at=reason.clears_at,
        kind=reason.kind,
    )


def summary_facts(summary: CampaignSummary) -> dict[str, Any]:
    """The summary as a JSON object of the API, and of `dialer status --json` but for NOT_IN_STATUS.

    Moments are datetimes still, and `reason` and `why` may contain phone numbers.
    """
    campaign = summary.campaign
    return {
        "campaign": campaign.id,
        "name": campaign.name,
        "account": campaign.account,
        "rehearsal": campaign.rehearsal,
        "status": campaign.status,
        "reason": campaign.reason,
        "since": campaign.since,
        "why": summary.why,
        "clears_at": summary.clears_at,
        "held_by": campaign.held_by,
        "held_until": campaign.held_until,
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "finished_at": campaign.finished_at,
        "contacts": summary.total,
        "final": summary.final,
        "by_status": {status.value: count for status, count in summary.contacts.items()},
        "outcomes": dict(summary.outcomes),
        "attempts": summary.attempts,
        "in_progress": summary.in_progress,
        "unconfirmed": summary.unconfirmed,
        "due_now": summary.due_now,
        "next_due_at": summary.next_due_at,
        "rejects": campaign.rejects,
    }


def reasons_not_reached(db: Connection, campaign_id: str, limit: int | None = None) -> list[ReasonCount]:
    """Why contacts were not reached, the most frequent reason first; all reasons, or the first `limit` of them."""
    count = func.count()
    query = (
        select(contacts.c.status, contacts.c.reason, count)
        .where(contacts.c.campaign_id == campaign_id, contacts.c.status.in_(MISSED_CONTACTS))
        .group_by(contacts.c.status, contacts.c.reason)
        .order_by(count.desc(), contacts.c.status, contacts.c.reason)
        .limit(limit)
    )
    return [ReasonCount(ContactStatus(status), reason or "", number) for status, reason, number in db.execute(query)]


def attempts_by(db: Connection, campaign_id: str, column: Column[Any]) -> dict[str, int]:
    """The campaign's attempts counted by the value of this column, NULL left out; the most frequent first."""
    query = (
        select(column, func.count()).where(attempts.c.campaign_id == campaign_id, column.is_not(None)).group_by(column)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in db.execute(query)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_attempts(db: Connection, campaign_id: str) -> int:
    """The campaign's attempts that the provider accepted."""
    query = select(func.count()).where(attempts.c.campaign_id == campaign_id, attempts.c.counted.is_(True))
    return db.scalar(query) or 0
