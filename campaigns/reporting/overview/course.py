"""The course of a campaign: when calls were made, and when something is to happen next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection, func, select

from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import OPEN_ATTEMPTS, CampaignStatus, ContactStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When the campaign's calls were requested: the first, the last, and how many on each day (UTC)."""

    first_call: datetime | None
    last_call: datetime | None
    by_day: Mapping[date, int]


def course_of(db: Connection, campaign_id: str) -> Course:
    """The course so far, of the calls that the provider accepted."""
    accepted = (attempts.c.campaign_id == campaign_id, attempts.c.counted)
    moments = db.scalars(select(attempts.c.dialing_at).where(*accepted).order_by(attempts.c.dialing_at)).all()
    days = Counter(moment.astimezone(UTC).date() for moment in moments)
    return Course(
        first_call=moments[0] if moments else None, last_call=moments[-1] if moments else None, by_day=dict(days)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What a campaign waits for.

    in_progress  calls that are not over
    claimed      contacts that are with the workers
    due_at       when the first of the contacts that wait is due, or has been
    next_at      the first moment to come of all others: a call's time is over, a hold ends, the campaign starts or ends
    """

    in_progress: int
    claimed: int
    due_at: datetime | None
    next_at: datetime | None


def pending_of(db: Connection, campaign: Campaign, now: datetime) -> Pending:
    """What the campaign waits for at this moment."""
    is_open = (attempts.c.campaign_id == campaign.id, attempts.c.status.in_(OPEN_ATTEMPTS))
    in_progress, concluded_at = db.execute(select(func.count(), func.min(attempts.c.conclude_at)).where(*is_open)).one()
    of_campaign = contacts.c.campaign_id == campaign.id
    waiting = (of_campaign, contacts.c.status == ContactStatus.PENDING)
    claimed = db.scalar(select(func.count()).where(of_campaign, contacts.c.status == ContactStatus.CLAIMED)) or 0
    expires_at = db.scalar(select(func.min(contacts.c.not_after)).where(*waiting, contacts.c.not_after > now))
    starts_at = campaign.definition.starts_at if campaign.status is CampaignStatus.SCHEDULED else None
    moments = (concluded_at, expires_at, campaign.held_until, campaign.definition.ends_at, starts_at)
    return Pending(
        in_progress=in_progress,
        claimed=claimed,
        due_at=db.scalar(select(func.min(contacts.c.due_at)).where(*waiting)),
        next_at=min((moment for moment in moments if moment is not None and moment > now), default=None),
    )
