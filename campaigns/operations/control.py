"""Pause, resume and cancel a campaign: in effect before the next call, and each with an audit line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, and_, delete, select, update

from campaigns.ledger import claims, queries
from campaigns.ledger.moves import move_campaign, row_count, write_audit
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import breakers, campaigns, contacts, halts, tokens
from campaigns.lifecycle import (
    BY_A_PERSON,
    LIVE_CAMPAIGNS,
    CampaignStatus,
    ChangedMeanwhile,
    ContactStatus,
    IllegalMove,
    PauseKind,
)
from dialer.errors import DialerError

A_TOKEN = "token "  # noqa: S105  # begins the names of programs


class SecondPersonNeeded(DialerError):
    """Somebody else has to confirm that the campaign starts."""


REMEDIES: Mapping[CampaignStatus, str] = {  # what to do instead of a move that is not allowed from this status
    CampaignStatus.DRAFT: "its list is still being read; see when it has started: dialer status {id}",
    CampaignStatus.SCHEDULED: "it starts by itself; see when: dialer status {id}",
    CampaignStatus.RUNNING: "nothing need be done; see how it stands: dialer status {id}",
    CampaignStatus.PAUSED: "nothing need be done; to go on: dialer resume {id}",
    CampaignStatus.FINISHED: "it is over; to call those who were not reached: dialer redial {id}",
    CampaignStatus.CANCELLED: "it is over; to call those who were left: dialer redial {id} --outcome cancelled",
}


def pause(
    ledger: Ledger,
    campaign_id: str,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
    versions: Collection[str] | None = None,
) -> Campaign:
    """No new calls from now on; those in progress finish.

    One that its breaker or its account's trouble has paused stays so until it is resumed.

    Raises IllegalMove, NoSuchCampaign; as all of these, ChangedMeanwhile when its version is none of `versions`.
    """
    return ledger.write(_move, campaign_id, CampaignStatus.PAUSED, who, reason or BY_A_PERSON, now, versions)


def resume(
    ledger: Ledger, campaign_id: str, *, who: str, now: datetime, versions: Collection[str] | None = None
) -> Campaign:
    """Dial again. Raises IllegalMove unless the campaign is paused, NoSuchCampaign.

    Raises SecondPersonNeeded where it waits for another person than `who`.
    """
    return ledger.write(_move, campaign_id, CampaignStatus.RUNNING, who, BY_A_PERSON, now, versions)


def resume_halted(ledger: Ledger, account: str, *, who: str, now: datetime) -> list[str]:
    """Dial again for every campaign that was paused because this account could not; returns their ids.

    One that cannot dial yet is halted again by its first call.
    """
    return ledger.write(_resume_halted, account, who, now)


def _resume_halted(db: Connection, account: str, who: str, now: datetime) -> list[str]:
    halted = and_(campaigns.c.status == CampaignStatus.PAUSED, campaigns.c.pause_kind == PauseKind.HALTED)
    of_account = select(campaigns.c.id).join(halts, halts.c.campaign_id == campaigns.c.id)
    ids = db.scalars(of_account.where(halted, halts.c.account == account).order_by(campaigns.c.id)).all()
    for campaign_id in ids:
        _move(db, campaign_id, CampaignStatus.RUNNING, who, BY_A_PERSON, now, None)
    return list(ids)


def cancel(
    ledger: Ledger,
    campaign_id: str,
    *,
    who: str,
    now: datetime,
    reason: str | None = None,
    versions: Collection[str] | None = None,
) -> Campaign:
    """End for good: contacts not being called become cancelled. Raises IllegalMove, NoSuchCampaign."""
    return ledger.write(_move, campaign_id, CampaignStatus.CANCELLED, who, reason or BY_A_PERSON, now, versions)


def close(
    ledger: Ledger, campaign_id: str, *, who: str, now: datetime, versions: Collection[str] | None = None
) -> Campaign:
    """Let a standing campaign take no more contacts: it finishes when all that it has are final.

    Closed again, it stays as it is. Raises IllegalMove for another campaign and for one that is over, NoSuchCampaign.
    """
    return ledger.write(_close, campaign_id, who, now, versions)


def _close(db: Connection, campaign_id: str, who: str, now: datetime, versions: Collection[str] | None) -> Campaign:
    claims.lock_campaign(db, queries.campaign(db, campaign_id).id)
    campaign = queries.campaign(db, campaign_id)
    _refuse_another_version(campaign, versions)
    if not campaign.definition.contacts.standing:
        remedy = f"it finishes by itself when every contact is final; to end it now: dialer cancel {campaign.id}"
        raise IllegalMove(f"campaign {campaign.id} has a list and cannot be closed", remedy)
    if campaign.closed_at is not None:
        return campaign
    if campaign.status not in LIVE_CAMPAIGNS:
        remedy = REMEDIES[campaign.status].format(id=campaign.id)
        raise IllegalMove(f"campaign {campaign.id} is {campaign.status} and cannot be closed", remedy)
    db.execute(update(campaigns).where(campaigns.c.id == campaign.id).values(closed_at=now))
    write_audit(db, now, who=who, event="campaign closed", campaign_id=campaign.id)
    return queries.campaign(db, campaign.id)


def _move(
    db: Connection,
    campaign_id: str,
    to: CampaignStatus,
    who: str,
    reason: str,
    now: datetime,
    versions: Collection[str] | None,
) -> Campaign:
    campaign = queries.campaign(db, campaign_id, lock=versions is not None)
    _refuse_another_version(campaign, versions)
    if to is CampaignStatus.RUNNING:
        _require_second_person(db, campaign, who)
        reason = _confirmation(campaign, who) or reason
    # An operator has decided, so neither the circuit breaker nor its account's recovery must resume the campaign.
    held_by_breaker = row_count(db, delete(breakers).where(breakers.c.campaign_id == campaign.id)) > 0
    held_by_halt = row_count(db, delete(halts).where(halts.c.campaign_id == campaign.id)) > 0
    only_from = [CampaignStatus.PAUSED] if to is CampaignStatus.RUNNING else None
    if to is CampaignStatus.PAUSED and (held_by_breaker or held_by_halt):
        only_from = [CampaignStatus.PAUSED, CampaignStatus.RUNNING]
    kind = PauseKind.PERSON if to is CampaignStatus.PAUSED else None
    if not move_campaign(db, campaign.id, to, now, who=who, reason=reason, pause_kind=kind, only_from=only_from):
        raise _illegal(campaign, to)
    if to is CampaignStatus.PAUSED:
        _give_back_claims(db, campaign.id)
    elif to is CampaignStatus.CANCELLED:
        claims.cancel_left(db, now)
    return queries.campaign(db, campaign.id)


def _refuse_another_version(campaign: Campaign, versions: Collection[str] | None) -> None:
    if versions is not None and campaign.version not in versions:
        raise ChangedMeanwhile(f"campaign {campaign.id} has changed: it is {campaign.status}", "look at it again")


def _require_second_person(db: Connection, campaign: Campaign, who: str) -> None:
    """Raises SecondPersonNeeded where the campaign waits for another person than the one who resumes it now."""
    if campaign.pause_kind is not PauseKind.SECOND_PERSON:
        return
    starter = campaign.started_by or "nobody"
    remedy = f"let another sender confirm it: dialer resume {campaign.id}, or the button Resume of its page"
    if who.startswith(A_TOKEN):
        raise SecondPersonNeeded(f"a program cannot confirm {campaign.id}: a person has to", remedy)
    if who.casefold() in {person.casefold() for person in _people_behind(db, starter)}:
        raise SecondPersonNeeded(f"{campaign.id} was started by {starter}: a second person has to confirm it", remedy)


def _confirmation(campaign: Campaign, who: str) -> str | None:
    """What the audit says of the second person; None where the campaign waits for nobody."""
    waits = campaign.pause_kind is PauseKind.SECOND_PERSON
    return f"started by {campaign.started_by}, confirmed by {who}" if waits else None


def _people_behind(db: Connection, starter: str) -> set[str]:
    """Who started it; of a program also the person who made its token."""
    token = select(tokens.c.created_by).where(tokens.c.name == starter.removeprefix(A_TOKEN))
    made_by = db.scalar(token) if starter.startswith(A_TOKEN) else None
    return {starter} | ({made_by} if made_by else set())


def _illegal(campaign: Campaign, to: CampaignStatus) -> IllegalMove:
    verb = {CampaignStatus.PAUSED: "paused", CampaignStatus.RUNNING: "resumed", CampaignStatus.CANCELLED: "cancelled"}
    return IllegalMove(
        f"campaign {campaign.id} is {campaign.status} and cannot be {verb[to]}",
        REMEDIES[campaign.status].format(id=campaign.id),
    )


def _give_back_claims(db: Connection, campaign_id: str) -> int:
    return row_count(
        db,
        update(contacts)
        .where(contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.CLAIMED)
        .values(**claims.UNCLAIMED),
    )


class Action(StrEnum):
    """What an operator may do with a campaign; the values are those of the API."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


ACTIONS: dict[Action, Callable[..., Campaign]] = {
    Action.PAUSE: pause,
    Action.RESUME: resume,
    Action.CANCEL: cancel,
}
