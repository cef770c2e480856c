"""The canary: a campaign calls its first contacts, and the others only if enough of the first were reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from campaigns.ledger import queries
from campaigns.ledger.claims import lock_campaign
from campaigns.ledger.moves import pause, write_audit
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import (
    COUNTED_WITHOUT_CALL,
    PROGRAM,
    TAKEN_CONTACTS,
    WAITING_CONTACTS,
    AttemptStatus,
    CanaryResult,
    ContactStatus,
    PauseKind,
)
from dialer.calls import REACHED

EVENTS = {CanaryResult.PASSED: "canary passed", CanaryResult.FAILED: "canary failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryHold:
    """How many more contacts, of `not_called` only, may be called now; `why` and `until` say what others wait for."""

    room: int
    why: str
    until: datetime | None = None


def advance_canary(db: Connection, campaign: Campaign, now: datetime) -> CanaryHold | None:
    """Decide the canary if that can be done now, else say what it allows: None when it holds no contact back.

    A decision is written with an audit line in the caller's transaction, and pauses the campaign where too few were
    reached. None where there is no canary (a list shorter than its canary has none), or it passed, or a person resumed
    the campaign.
    """
    rule = campaign.definition.canary
    if rule is None:
        return None
    lock_campaign(db, campaign.id)
    if _decided(db, campaign.id):
        return None
    called = _count(db, campaign.id, _called())
    left = _count(db, campaign.id, and_(contacts.c.status.in_(WAITING_CONTACTS), not_called()))
    calling = _count(db, campaign.id, contacts.c.status.in_(TAKEN_CONTACTS))
    waiting = queries.count_claimed(db, campaign.id)
    why = f"its canary: the first {rule.contacts:,} contacts come first"
    if called + left < rule.contacts:
        return None
    if called + waiting < rule.contacts:
        return CanaryHold(room=rule.contacts - called - waiting, why=why)
    if waiting:  # some are yet to be called: the latest call may be from before a pause
        return CanaryHold(room=0, why=why)
    placed_at = func.coalesce(attempts.c.send_at, attempts.c.dialing_at)  # by the provider, where it was handed over
    latest = db.scalar(select(func.max(placed_at)).where(attempts.c.campaign_id == campaign.id))
    until = (latest or now) + rule.wait
    if calling and now < until:
        return CanaryHold(room=0, why=why, until=until)
    return _decide(db, campaign, called, now)


def _decide(db: Connection, campaign: Campaign, called: int, now: datetime) -> CanaryHold | None:
    rule = campaign.definition.canary
    reached = _count(db, campaign.id, _reached())
    enough = rule is None or reached / called >= rule.reached  # a product would be rounded: 0.14 * 50 is more than 7
    finding = f"{reached} of its first {called} contacts were reached"
    result = CanaryResult.PASSED if enough else CanaryResult.FAILED
    db.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(canary=result))
    write_audit(db, now, who=PROGRAM, event=EVENTS[result], campaign_id=campaign.id, detail=finding)
    if enough:
        return None
    reason = f"canary: {finding}, and {rule.reached:.0%} were asked for" if rule else finding
    pause(db, campaign.id, PauseKind.CANARY, now, reason=reason)
    return CanaryHold(room=0, why=reason)


def _decided(db: Connection, campaign_id: str) -> bool:
    return db.scalar(select(campaigns.c.canary).where(campaigns.c.id == campaign_id)) is not None


def not_called() -> ColumnElement[bool]:
    """Whether no call of the campaign has been tried for the contact yet."""
    return ~_called()


def _called() -> ColumnElement[bool]:
    """A request that placed no call does not count, unless it decided the contact."""
    call = (attempts.c.contact_id == contacts.c.id, attempts.c.status != AttemptStatus.NOT_PLACED)
    return and_(contacts.c.tries > 0, or_(contacts.c.status.in_(COUNTED_WITHOUT_CALL), exists().where(*call)))


def _reached() -> ColumnElement[bool]:
    """A contact of several reminders that answered one of them was reached, though it waits for the next."""
    call = (attempts.c.contact_id == contacts.c.id, attempts.c.outcome.in_(REACHED))
    reminded = and_(contacts.c.reminder.is_not(None), exists().where(*call))
    return or_(contacts.c.status == ContactStatus.REACHED, reminded)


def _count(db: Connection, campaign_id: str, which: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).where(contacts.c.campaign_id == campaign_id, which)) or 0
