"""The whole story of a contact: what was tried, why it is not being called now, and when that passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.times import zones_of
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import EVERY_ACCOUNT, Suppression, listed
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import FINAL_CONTACTS, WAITING_CONTACTS, AttemptStatus, CampaignStatus, ContactStatus
from campaigns.reporting.hold_reason import GOING, HoldKind, HoldReason, capped_until, hold_reason
from campaigns.reporting.receipt_history import ReceiptLine, receipt_lines
from dialer.errors import DialerError
from dialer.phone import PhoneNumber
from dialer.plural import counted

OTHERS_NAMED = 3

OF_CONTACTS = frozenset(
    {HoldKind.HOLIDAY, HoldKind.WINDOW_CLOSED, HoldKind.WAITING_FOR_RETRY, HoldKind.CAPPED}
)  # each has its own


class NoSuchContact(DialerError):
    """The campaign's list has no such number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt, as it is told, with the campaign that made it."""

    campaign: str
    number: int
    at: datetime
    local_time: str | None
    account: str
    caller_id: str
    became: str
    detail: str | None
    allowed_by: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a number in a campaign of the same name: the list again, or a redial."""

    campaign: str
    started_at: datetime | None
    status: ContactStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactExplanation:
    """A contact and everything about it; `why` is the one reason why it is not being called now.

    `runs` are all campaigns of this name that had the number, the oldest first; what was tried and told is of them all.
    """

    campaign: Campaign
    runs: Sequence[Run]
    line: int
    number: str = field(repr=False)
    status: ContactStatus
    zone: str
    local_time: datetime
    not_after: datetime | None
    consent: str | None
    tried: Sequence[AttemptLine]
    told: Sequence[ReceiptLine]
    suppressions: Sequence[Suppression]
    why: str
    clears_at: datetime | None


def explain_campaign(
    ledger: Ledger, campaign_id: str, *, now: datetime, redis_answers: bool | None
) -> tuple[Campaign, HoldReason]:
    """The campaign, and the one reason why nothing is being dialed. Raises NoSuchCampaign."""
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        return campaign, hold_reason(db, campaign, now, redis_answers=redis_answers)


def explain_contact(
    ledger: Ledger, campaign_id: str, number: PhoneNumber, *, now: datetime, redis_answers: bool | None
) -> ContactExplanation:
    """The whole story of a contact, of the newest campaign with the number where a name is given.

    Raises NoSuchCampaign, NoSuchContact.
    """
    forms = (number.e164, ledger.fingerprint(number.e164))
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        lives = _lives(db, campaign.name, forms)
        row = next((one for one in reversed(lives) if campaign_id in (one.campaign_id, campaign.name)), None)
        if row is None:
            on_list = _of_the_account(listed(db, forms), campaign, now)
            raise _stranger(db, number, forms, campaign, lives, on_list)
        campaign = queries.campaign(db, row.campaign_id)
        on_list = _of_the_account(listed(db, forms), campaign, now)
        why, clears_at = _why(db, row, campaign, on_list, now, redis_answers)
        ids = [one.id for one in lives]
        return ContactExplanation(
            campaign=campaign,
            runs=[_run(one) for one in lives],
            line=row.line,
            number=number.masked,
            status=ContactStatus(row.status),
            zone=row.zone,
            local_time=now.astimezone(zones_of(row.zone)[0]),
            not_after=row.not_after,
            consent=row.consent,
            tried=_tried(db, ids),
            told=receipt_lines(db, ids),
            suppressions=on_list,
            why=why,
            clears_at=clears_at,
        )


def _lives(db: Connection, name: str, forms: Sequence[str]) -> Sequence[Row[Any]]:
    """The contacts of this number in all campaigns of a name, the oldest first."""
    mine = (campaigns.c.name == name, contacts.c.phone.in_(forms))
    query = select(contacts, campaigns.c.started_at).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
    return db.execute(query.where(*mine).order_by(campaigns.c.created_at, contacts.c.id)).all()


def _run(life: Row[Any]) -> Run:
    return Run(
        campaign=life.campaign_id, started_at=life.started_at, status=ContactStatus(life.status), reason=life.reason
    )


def _stranger(
    db: Connection,
    number: PhoneNumber,
    forms: Sequence[str],
    campaign: Campaign,
    lives: Sequence[Row[Any]],
    on_list: Sequence[Suppression],
) -> NoSuchContact:
    said = f"{number.masked} is not among the {counted(campaign.contacts, 'contact')} of {campaign.id}"
    if lives:
        return NoSuchContact(said, f"it is one of {lives[-1].campaign_id}: ask for that, or for {campaign.name}")
    if campaign.status is CampaignStatus.DRAFT:
        return NoSuchContact(f"{said}, whose list is still being read in", "ask again when it has started")
    written = campaign.definition.contacts.file
    remedy = f"none of its rows was rejected: look for the number in its list, {written}"
    if campaign.rejects_file:
        remedy = f"rows of {written} that were not taken stand with their reason in {campaign.rejects_file}"
    if on_list:
        remedy = f"it is on the suppression list ({on_list[-1].reason}), and so left out where a list has it; {remedy}"
    elif others := _campaigns_with(db, forms):
        remedy = f"it is one of {', '.join(others)}: ask for one of those; {remedy}"
    return NoSuchContact(said, remedy)


def _campaigns_with(db: Connection, forms: Sequence[str]) -> Sequence[str]:
    """The newest campaigns of any name that have the number."""
    query = select(campaigns.c.id).join(contacts, contacts.c.campaign_id == campaigns.c.id)
    mine = query.where(contacts.c.phone.in_(forms)).order_by(campaigns.c.created_at.desc(), campaigns.c.id)
    return db.scalars(mine.limit(OTHERS_NAMED)).all()


def _of_the_account(lines: Sequence[Suppression], campaign: Campaign, now: datetime) -> list[Suppression]:
    there = (EVERY_ACCOUNT, campaign.account)
    return [line for line in lines if line.account in there and line.holds(now)]


def _why(
    db: Connection,
    row: Row[Any],
    campaign: Campaign,
    on_list: Sequence[Suppression],
    now: datetime,
    redis_answers: bool | None,
) -> tuple[str, datetime | None]:
    """The reason that binds this contact: its own before its campaign's, the lasting before the passing."""
    status = ContactStatus(row.status)
    if status in FINAL_CONTACTS:
        return f"it is {status.value}: {row.reason}", None
    if status not in WAITING_CONTACTS:
        return "its call is in progress", None
    if on_list:
        return f"it is on the suppression list and will not be called: {on_list[-1].reason}", None
    whole = hold_reason(db, campaign, now, redis_answers=redis_answers)
    if whole.kind not in GOING | OF_CONTACTS:
        return whole.words, whole.clears_at
    if capped := capped_until(db, row, campaign, now):
        why, clears_at = f"its number has had its calls: at most {capped[0].written}", capped[1]
    else:
        why, clears_at = _when(row, campaign, now)
    if clears_at is not None and row.not_after is not None and clears_at >= row.not_after:
        return f"{why}, and that lasts longer than its not_after: it will not be called", None
    return why, clears_at


def _when(row: Row[Any], campaign: Campaign, now: datetime) -> tuple[str, datetime | None]:
    opening = next_opening(campaign.definition, row.zone, max(now, row.due_at))
    if row.due_at > now and row.tries and next_opening(campaign.definition, row.zone, now) == now:
        return "it waits for its next try", opening
    if opening is None:
        return "no window is left before the campaign ends", None
    if opening > now:
        holiday = campaign.definition.windows.holiday(now, *zones_of(row.zone))
        return (f"it is a holiday there: {holiday}" if holiday else "the window is closed where it is"), opening
    if row.status == ContactStatus.CLAIMED:
        return "it is with a worker, waiting for its token", None
    return "it is due and waits for its turn", None


def _became(attempt: Row[Any]) -> str:
    not_placed = attempt.status == AttemptStatus.NOT_PLACED
    return str(attempt.outcome or (attempt.mnemonic or attempt.verdict if not_placed else attempt.status))


def _tried(db: Connection, contact_ids: Sequence[int]) -> list[AttemptLine]:
    query = select(attempts).where(attempts.c.contact_id.in_(contact_ids)).order_by(attempts.c.dialing_at)
    return [
        AttemptLine(
            campaign=row.campaign_id,
            number=row.number,
            at=row.dialing_at,
            local_time=row.local_time,
            account=row.account,
            caller_id=row.caller_id,
            became=_became(row),
            detail=row.detail,
            allowed_by=row.allowed_by,
            next_attempt_at=row.next_attempt_at,
        )
        for row in db.execute(query)
    ]
