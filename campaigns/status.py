"""How a campaign stands: how far it is, and the one reason why nothing is being dialed, when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from campaigns.gates import next_opening
from campaigns.ledger import reading
from campaigns.ledger.reading import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import FINAL_CONTACTS, AttemptStatus, CampaignStatus, ContactStatus

TICK_IS_LATE = timedelta(seconds=15)
NO_TICK = (  # the ledger cannot tell which
    "no worker has come by: none runs (start one with `dialer up`), Redis is away, or all of them wait for the provider"
)
IN_PROGRESS = (AttemptStatus.DIALING, AttemptStatus.PLACED, AttemptStatus.ANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
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

    @property
    def final(self) -> int:
        """Contacts that have their final status."""
        return sum(count for status, count in self.contacts.items() if status in FINAL_CONTACTS)

    @property
    def total(self) -> int:
        """All contacts."""
        return sum(self.contacts.values())


def standing(db: Connection, campaign: Campaign, now: datetime) -> Standing:
    """How this campaign stands now."""
    by_status = _attempts_by_status(db, campaign.id)
    due_now, next_due_at = _due(db, campaign.id, now)
    in_progress = sum(by_status.get(status, 0) for status in IN_PROGRESS)
    unconfirmed = by_status.get(AttemptStatus.UNCONFIRMED, 0)
    by_contact = reading.count_by_status(db, campaign.id)
    with_workers = due_now + by_contact.get(ContactStatus.CLAIMED, 0)
    why, clears_at = _why(campaign, with_workers, next_due_at, in_progress + unconfirmed, now)
    return Standing(
        campaign=campaign,
        contacts=by_contact,
        outcomes=outcomes(db, campaign.id),
        attempts=count_attempts(db, campaign.id),
        in_progress=in_progress,
        unconfirmed=unconfirmed,
        due_now=due_now,
        next_due_at=next_due_at,
        why=why,
        clears_at=clears_at,
    )


def outcomes(db: Connection, campaign_id: str) -> dict[str, int]:
    """Ended calls counted by outcome, the most frequent first."""
    query = (
        select(attempts.c.outcome, func.count())
        .where(attempts.c.campaign_id == campaign_id, attempts.c.outcome.is_not(None))
        .group_by(attempts.c.outcome)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in db.execute(query)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def count_attempts(db: Connection, campaign_id: str) -> int:
    """Attempts that the provider accepted."""
    query = select(func.count()).where(attempts.c.campaign_id == campaign_id, attempts.c.counted.is_(True))
    return db.scalar(query) or 0


def _attempts_by_status(db: Connection, campaign_id: str) -> dict[str, int]:
    query = (
        select(attempts.c.status, func.count()).where(attempts.c.campaign_id == campaign_id).group_by(attempts.c.status)
    )
    return {row[0]: row[1] for row in db.execute(query)}


def _due(db: Connection, campaign_id: str, now: datetime) -> tuple[int, datetime | None]:
    pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.PENDING)
    due_now = db.scalar(select(func.count()).where(*pending, contacts.c.due_at <= now)) or 0
    return due_now, db.scalar(select(func.min(contacts.c.due_at)).where(*pending))


def _why(
    campaign: Campaign, due_now: int, next_due_at: datetime | None, in_progress: int, now: datetime
) -> tuple[str, datetime | None]:
    match campaign.status:
        case CampaignStatus.DRAFT:
            return "its contacts are being read", None
        case CampaignStatus.SCHEDULED:
            return "it has not started yet", campaign.definition.starts_at
        case CampaignStatus.PAUSED:
            return f"paused: {campaign.reason}", None
        case CampaignStatus.FINISHED | CampaignStatus.CANCELLED:
            return f"{campaign.status.value}: {campaign.reason}", None
    last_sign = max(campaign.ticked_at or campaign.since, campaign.since)
    if now - last_sign > TICK_IS_LATE:
        return NO_TICK, None
    if campaign.held_by and (due_now or _put_off_by_limit(campaign, next_due_at, now)):
        return f"held by a limit: {campaign.held_by}", campaign.held_until
    if due_now:
        return "dialing", None
    return _why_none_due(campaign, next_due_at, in_progress, now)


def _put_off_by_limit(campaign: Campaign, next_due_at: datetime | None, now: datetime) -> bool:
    """Whether the limit that binds will do so until the next contact is due: throttled ones wait a tenth longer."""
    if campaign.held_until is None or next_due_at is None:
        return False
    return next_due_at <= campaign.held_until + (campaign.held_until - now) / 10 + timedelta(seconds=1)


def _why_none_due(
    campaign: Campaign, next_due_at: datetime | None, in_progress: int, now: datetime
) -> tuple[str, datetime | None]:
    if in_progress:
        return "calls are in progress", None
    if next_due_at is None:
        return "finishing", None
    if all(next_opening(campaign.definition, zone, now) != now for zone in campaign.zones):
        return "the calling window is closed", next_due_at
    return "all that is left waits for another try", next_due_at
