"""What binds a campaign: the one reason why nothing is being dialed, when that passes, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.times import zones_of
from campaigns.definition.sections.frequency import Cap
from campaigns.ledger.frequency_caps import cap_clears_at
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, audit, breakers, contacts
from campaigns.lifecycle import BY_A_PERSON, AttemptStatus, CampaignStatus, ContactStatus
from dialer.verdicts import Verdict

TICK_IS_LATE = timedelta(seconds=15)
NO_TICK = (  # the ledger cannot tell which
    "no worker has come by: none runs (start one with `dialer up`), Redis is away, or all of them wait for the provider"
)
REDIS_AWAY = "Redis is away"
FAILING_IS_NEWS = timedelta(minutes=10)
PROGRAM = "dialer"  # who pauses in the audit, where nobody does
FAILED_IN_A_ROW = 3  # requests that placed no call, after which the provider is said to be down


class Kind(StrEnum):
    """What sort of thing binds."""

    STARTING = "starting"
    SCHEDULED = "scheduled"
    PAUSED_BY_PERSON = "paused_by_person"
    BREAKER = "breaker"
    BUDGET = "budget"
    CANARY = "canary"
    HALTED = "halted"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    NO_TICK = "no_tick"
    NO_WORKER = "no_worker"
    REDIS_AWAY = "redis_away"
    DAY_POINTS = "day_points"
    BUCKET_EMPTY = "bucket_empty"
    LIMIT = "limit"
    VENDOR_DOWN = "vendor_down"
    DIALING = "dialing"
    IN_PROGRESS = "in_progress"
    FINISHING = "finishing"
    HOLIDAY = "holiday"
    WINDOW_CLOSED = "window_closed"
    WAITING_FOR_RETRY = "waiting_for_retry"
    CAPPED = "capped"


REMEDIES = {
    Kind.PAUSED_BY_PERSON: "dialer resume {id}",
    Kind.BREAKER: "nothing: one call tries again by itself; not to wait: dialer resume {id}",
    Kind.BUDGET: "raise the budget in a new campaign, or wait for the next day where it is a day's",
    Kind.CANARY: "hear the call yourself; to call the others all the same: dialer resume {id}",
    Kind.HALTED: "put right what the reason names, then: dialer resume {id}",
    Kind.NO_TICK: "dialer explain {id}",
    Kind.NO_WORKER: "start one: dialer up",
    Kind.REDIS_AWAY: "bring Redis back; nothing is lost, and dialing goes on by itself",
    Kind.DAY_POINTS: "wait for the provider's next day, or have the tariff raised",
    Kind.VENDOR_DOWN: "nothing: it is tried again by itself; see whether it answers: dialer accounts",
}
GOING = frozenset({Kind.DIALING, Kind.IN_PROGRESS, Kind.FINISHING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why nothing is being dialed, or that something is. `clears_at` is None where nobody can know.

    `by` and `since` tell who stopped the campaign and when, `dialer` being the program itself.
    """

    kind: Kind
    words: str
    clears_at: datetime | None = None
    by: str | None = None
    since: datetime | None = None

    def remedy(self, campaign: Campaign) -> str:
        """What may be done; blank where nothing need be."""
        return REMEDIES.get(self.kind, "").format(id=campaign.id)


def binding(db: Connection, campaign: Campaign, now: datetime, *, redis_answers: bool | None = None) -> Reason:
    """The one reason. Whoever has asked Redis says by `redis_answers` what it said, and is told more precisely."""
    if campaign.status is not CampaignStatus.RUNNING:
        return _not_running(db, campaign)
    last_sign = max(campaign.ticked_at or campaign.since, campaign.since)
    if now - last_sign > TICK_IS_LATE:
        return _no_tick(redis_answers)
    if campaign.held_by == REDIS_AWAY:
        return Reason(kind=Kind.REDIS_AWAY, words=_held(campaign))
    due_now, next_due_at = due(db, campaign.id, now)
    due_now += _with_workers(db, campaign.id)
    failing = _failing(db, campaign, now)
    if failing and (next_due_at is None or next_due_at - now < FAILING_IS_NEWS):
        return Reason(kind=Kind.VENDOR_DOWN, words=failing, clears_at=next_due_at)
    if campaign.held_by and (due_now or _put_off_by_limit(campaign, next_due_at, now)):
        return Reason(kind=_kind_of_limit(campaign.held_by), words=_held(campaign), clears_at=campaign.held_until)
    if due_now:
        return Reason(kind=Kind.DIALING, words="dialing")
    return _none_due(db, campaign, next_due_at, now)


def _held(campaign: Campaign) -> str:
    return f"held by a limit: {campaign.held_by}"


def _not_running(db: Connection, campaign: Campaign) -> Reason:
    match campaign.status:
        case CampaignStatus.DRAFT:
            return Reason(kind=Kind.STARTING, words="its contacts are being read")
        case CampaignStatus.SCHEDULED:
            starts_at = campaign.definition.starts_at
            return Reason(kind=Kind.SCHEDULED, words="it has not started yet", clears_at=starts_at)
        case CampaignStatus.PAUSED:
            return _paused(db, campaign)
    kind = Kind.FINISHED if campaign.status is CampaignStatus.FINISHED else Kind.CANCELLED
    return _stopped(kind, campaign, moved_by(db, campaign))


def _paused(db: Connection, campaign: Campaign) -> Reason:
    who = moved_by(db, campaign)
    tries_at = db.scalar(select(breakers.c.try_at).where(breakers.c.campaign_id == campaign.id))
    kind = Kind.BREAKER if tries_at else _kind_of_pause(who, campaign.reason or "")
    return _stopped(kind, campaign, who, tries_at)


def _kind_of_pause(who: str | None, reason: str) -> Kind:
    if who != PROGRAM:
        return Kind.PAUSED_BY_PERSON
    if reason.startswith("canary"):
        return Kind.CANARY
    return Kind.BUDGET if "budget" in reason else Kind.HALTED


def _stopped(kind: Kind, campaign: Campaign, who: str | None, clears_at: datetime | None = None) -> Reason:
    by = f" by {who}" if who and who != PROGRAM else ""
    why = "" if by and campaign.reason == BY_A_PERSON else f": {campaign.reason}"
    words = f"{campaign.status.value}{by}{why}"
    return Reason(kind=kind, words=words, clears_at=clears_at, by=who, since=campaign.since)


def moved_by(db: Connection, campaign: Campaign) -> str | None:
    """Who brought the campaign to the status that it has; `dialer` for the program itself."""
    moves = (audit.c.campaign_id == campaign.id, audit.c.event == f"campaign {campaign.status}")
    who: str | None = db.scalar(select(audit.c.who).where(*moves).order_by(audit.c.id.desc()).limit(1))
    return who


def _no_tick(redis_answers: bool | None) -> Reason:
    if redis_answers is None:
        return Reason(kind=Kind.NO_TICK, words=NO_TICK)
    if redis_answers:
        return Reason(kind=Kind.NO_WORKER, words="no worker has come by: none runs, or all of them wait")
    return Reason(kind=Kind.REDIS_AWAY, words="Redis does not answer, so no worker can come by")


def _kind_of_limit(limit: str) -> Kind:
    if limit in {"day points", "campaign share of the day"}:
        return Kind.DAY_POINTS
    if "canary" in limit:
        return Kind.CANARY
    if "budget" in limit:
        return Kind.BUDGET
    return Kind.BUCKET_EMPTY if "pace" in limit or "minute" in limit or "blocked" in limit else Kind.LIMIT


def _failing(db: Connection, campaign: Campaign, now: datetime) -> str | None:
    """What the provider's failure is, when its latest requests placed nothing and nobody was reached since."""
    latest = (
        select(attempts.c.status, attempts.c.verdict, attempts.c.mnemonic, attempts.c.detail)
        .where(attempts.c.campaign_id == campaign.id, attempts.c.dialing_at > now - FAILING_IS_NEWS)
        .order_by(attempts.c.dialing_at.desc())
        .limit(FAILED_IN_A_ROW)
    )
    rows = db.execute(latest).all()
    down = [row for row in rows if row.status == AttemptStatus.NOT_PLACED and row.verdict == Verdict.NOT_PLACED]
    if len(down) < FAILED_IN_A_ROW:
        return None
    return f"the provider placed no call in its last {FAILED_IN_A_ROW} requests: {rows[0].mnemonic or rows[0].detail}"


def due(db: Connection, campaign_id: str, now: datetime) -> tuple[int, datetime | None]:
    """How many contacts are due, and when the next comes due."""
    pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.PENDING)
    due_now = db.scalar(select(func.count()).where(*pending, contacts.c.due_at <= now)) or 0
    return due_now, db.scalar(select(func.min(contacts.c.due_at)).where(*pending))


def _with_workers(db: Connection, campaign_id: str) -> int:
    claimed = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.CLAIMED)
    return db.scalar(select(func.count()).where(*claimed)) or 0


def _put_off_by_limit(campaign: Campaign, next_due_at: datetime | None, now: datetime) -> bool:
    """Whether the limit that binds will do so until the next contact is due: throttled ones wait a tenth longer."""
    if campaign.held_until is None or next_due_at is None:
        return False
    return next_due_at <= campaign.held_until + (campaign.held_until - now) / 10 + timedelta(seconds=1)


def _none_due(db: Connection, campaign: Campaign, next_due_at: datetime | None, now: datetime) -> Reason:
    if _in_progress(db, campaign.id):
        return Reason(kind=Kind.IN_PROGRESS, words="calls are in progress")
    if next_due_at is None:
        return Reason(kind=Kind.FINISHING, words="finishing")
    return _waits(db, campaign, next_due_at, now)


def _waits(db: Connection, campaign: Campaign, until: datetime, now: datetime) -> Reason:
    """What those wait for who come due first: the others wait for it too, or for longer."""
    first = db.execute(_first_due(campaign.id)).one()
    if next_opening(campaign.definition, first.zone, now) == now:
        if capped := capped_until(db, first, campaign, now):
            words = f"the numbers that are left have had their calls: at most {capped[0].written}"
            return Reason(kind=Kind.CAPPED, words=words, clears_at=capped[1])
        words = "whoever may be called at this hour waits for another try"
        return Reason(kind=Kind.WAITING_FOR_RETRY, words=words, clears_at=until)
    if holiday := campaign.definition.windows.holiday(now, *zones_of(first.zone)):
        return Reason(kind=Kind.HOLIDAY, words=f"it is a holiday: {holiday}", clears_at=until)
    return Reason(kind=Kind.WINDOW_CLOSED, words="the calling window is closed", clears_at=until)


def _first_due(campaign_id: str) -> Select[Any]:
    pending = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.PENDING)
    columns = (contacts.c.zone, contacts.c.phone, contacts.c.due_at)
    return select(*columns).where(*pending).order_by(contacts.c.due_at).limit(1)


def capped_until(
    db: Connection, contact: Row[Any], campaign: Campaign, now: datetime
) -> tuple[Cap, datetime | None] | None:
    """The frequency cap, where it holds at a contact's own moment, or is what has put it off until then."""
    definition = campaign.definition
    for at in (max(now, contact.due_at), now):
        capped = cap_clears_at(db, contact.phone, definition.caps, at, rehearsal=campaign.rehearsal)
        clears_at = next_opening(definition, contact.zone, capped[0]) if capped else None
        if capped and (clears_at is None or clears_at >= contact.due_at):
            return capped[1], clears_at
    return None


def _in_progress(db: Connection, campaign_id: str) -> bool:
    going = [AttemptStatus.DIALING, AttemptStatus.PLACED, AttemptStatus.ANSWERED, AttemptStatus.UNCONFIRMED]
    there = select(attempts.c.id).where(attempts.c.campaign_id == campaign_id, attempts.c.status.in_(going))
    return db.execute(there.limit(1)).first() is not None
