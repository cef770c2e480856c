"""How a campaign stands: how far it is, and the one reason why nothing is being dialed, when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, func, select

from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts
from campaigns.lifecycle import CALLS_IN_PROGRESS, FINAL_CONTACTS, AttemptStatus, ContactStatus
from campaigns.reporting.hold_reason import HoldKind, due, hold_reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSummary:
    """A campaign at one moment. `why` says what it is doing, or what binds; `clears_at` when that will pass."""

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
        """Contacts that have their final status."""
        return sum(count for status, count in self.contacts.items() if status in FINAL_CONTACTS)

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.contacts.values())


def summarize_campaign(
    db: Connection, campaign: Campaign, now: datetime, *, redis_answers: bool | None = None
) -> CampaignSummary:
    """How this campaign stands now; `redis_answers` is as for `binding`."""
    by_status = attempts_by(db, campaign.id, attempts.c.status)
    due_now, next_due_at = due(db, campaign.id, now)
    in_progress = sum(by_status.get(status, 0) for status in CALLS_IN_PROGRESS)
    unconfirmed = by_status.get(AttemptStatus.UNCONFIRMED, 0)
    by_contact = queries.count_by_status(db, campaign.id)
    reason = hold_reason(db, campaign, now, redis_answers=redis_answers)
    return CampaignSummary(
        campaign=campaign,
        contacts=by_contact,
        outcomes=attempts_by(db, campaign.id, attempts.c.outcome),
        attempts=count_attempts(db, campaign.id),
        in_progress=in_progress,
        unconfirmed=unconfirmed,
        due_now=due_now,
        next_due_at=next_due_at,
        why=reason.words,
        clears_at=reason.clears_at,
        kind=reason.kind,
    )


def attempts_by(db: Connection, campaign_id: str, column: Column[Any]) -> dict[str, int]:
    """A campaign's attempts counted by what this column says, where it does; the most frequent first."""
    query = (
        select(column, func.count()).where(attempts.c.campaign_id == campaign_id, column.is_not(None)).group_by(column)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in db.execute(query)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_attempts(db: Connection, campaign_id: str) -> int:
    """Attempts that the provider accepted."""
    query = select(func.count()).where(attempts.c.campaign_id == campaign_id, attempts.c.counted.is_(True))
    return db.scalar(query) or 0
