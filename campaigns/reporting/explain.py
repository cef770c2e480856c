"""Explains why a campaign is not dialing, or why a contact is not being called, with the contact's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.reminders import openings
from campaigns.calendar.zones import zones_of
from campaigns.definition.templates import BadText
from campaigns.ledger import queries
from campaigns.ledger.costs import cost_of_attempt
from campaigns.ledger.lists.contacts import (
    ContactRef,
    NoSuchContact,
    contact_by_id,
    contact_named,
    no_such_call,
    version_of,
)
from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.numbers.suppressions import EVERY_ACCOUNT, Suppression, listed
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import HASHED, Ledger
from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import FINAL_CONTACTS, WAITING_CONTACTS, AttemptStatus, CampaignStatus, ContactStatus
from campaigns.reporting.hold_reason import GOING, HoldKind, HoldReason, capped_until, hold_reason, number_used_up
from campaigns.reporting.receipt_history import ReceiptLine, receipt_lines
from campaigns.reporting.surroundings import NOT_ASKED, Surroundings
from dialer.phone import PhoneNumber, mask_written
from dialer.plural import counted
from dialer.prices import amount

CAMPAIGNS_NAMED = 3

PER_CONTACT = frozenset(
    {
        *(HoldKind.HOLIDAY, HoldKind.WINDOW_CLOSED, HoldKind.WAITING_FOR_RETRY, HoldKind.WAITING_FOR_REMINDER),
        *(HoldKind.CAPPED, HoldKind.CALLER_ID, HoldKind.PUT_OFF),
    }
)
"""Reasons that hold for some of a campaign's contacts only: for one contact they are computed from its own row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt; the names are those of `explain --json`.

    `number` is 1 for the contact's first attempt. `became` is its outcome, else its status, or why no call was placed.
    `cost` is in `currency`, by the prices it was opened with; None without prices.
    """

    campaign: str
    number: int
    at: datetime
    local_time: str | None
    account: str
    caller_id: str
    became: str
    response: str | None
    reminder: str | None
    variant: str | None
    detail: str | None
    cost: Decimal | None
    currency: str | None
    allowed_by: str | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRun:
    """What became of the number in one campaign of a name: several runs of a list, or redials, share a name."""

    campaign: str
    started_at: datetime | None
    status: ContactStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactExplanation:
    """A contact and its history; the names are those of `explain --json`, and `number` is masked.

    `caller_id` is the number that it has been given of several; None where there is one, and until it is called.
    `priority` and `callback_data` go to the provider with its next call; in the latter numbers are masked, and it is
    None once the row was emptied. `where` and `order` are the campaign's: its row has met the one, and is called by the
    other. `why` is the one reason why it is not being called now, `clears_at` when that passes,
    if known. `runs` are all campaigns of this name that had the number, oldest first; `tried` are the attempts and
    `told` the receipts of all of them.
    """

    id: int
    version: str
    campaign: Campaign
    runs: Sequence[CampaignRun]
    line: int
    key: str
    number: str = field(repr=False)
    status: ContactStatus
    zone: str
    local_time: datetime
    not_after: datetime | None
    urgent: bool
    caller_id: str | None
    priority: int | None
    callback_data: str | None = field(repr=False)
    where: str | None
    order: Sequence[str]
    consent: str | None
    response: str | None
    reminder: str | None
    tried: Sequence[AttemptLine]
    told: Sequence[ReceiptLine]
    suppressions: Sequence[Suppression]
    why: str
    clears_at: datetime | None


def explain_campaign(
    ledger: Ledger, campaign_id: str, *, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> tuple[Campaign, HoldReason]:
    """The campaign, and the one reason why nothing is being dialed. `surroundings` as for `hold_reason`.

    Raises NoSuchCampaign.
    """
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        return campaign, hold_reason(db, campaign, now, surroundings)


def explain_contact(
    ledger: Ledger, campaign_id: str, number: PhoneNumber, *, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> ContactExplanation:
    """The contact with this number, with its history; given a name, in the newest such campaign that has the number.

    Numbers that were erased are found too. Raises NoSuchCampaign, NoSuchContact.
    """
    stored = ledger.forms(number.e164)
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        rows = _contacts_of(db, campaign.name, stored)
        row = next((row for row in reversed(rows) if campaign_id in (row.campaign_id, campaign.name)), None)
        if row is None:
            suppressions = _in_force(listed(db, stored), campaign, now)
            raise _no_such_contact(db, number, stored, campaign, rows, suppressions)
        return _explanation(db, row, rows, now, surroundings, ledger)


def explain_one(
    ledger: Ledger, campaign_id: str, ref: ContactRef, *, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> ContactExplanation:
    """One contact of a campaign, by its key, id or number, with its own history alone.

    Raises NoSuchCampaign, NoSuchContact, SeveralContacts.
    """
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        contact_id = contact_named(db, campaign, ref, ledger).id
    return contact_story(ledger, contact_id, now=now, surroundings=surroundings)


def call_story(
    ledger: Ledger, contact_id: int, *, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> ContactExplanation:
    """As `contact_story`, for one of a standing campaign: what a program asks of its call. Raises NoSuchContact."""
    story = contact_story(ledger, contact_id, now=now, surroundings=surroundings)
    if not story.campaign.definition.contacts.standing:
        raise no_such_call(contact_id)
    return story


def contact_story(
    ledger: Ledger, contact_id: int, *, now: datetime, surroundings: Surroundings = NOT_ASKED
) -> ContactExplanation:
    """The contact of this id with its own history alone. Raises NoSuchContact."""
    with ledger.reading() as db:
        contact_by_id(db, contact_id)
        query = select(contacts, campaigns.c.started_at).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
        row = db.execute(query.where(contacts.c.id == contact_id)).one()
        return _explanation(db, row, [row], now, surroundings, ledger)


def _explanation(
    db: Connection, row: Row[Any], rows: Sequence[Row[Any]], now: datetime, surroundings: Surroundings, ledger: Ledger
) -> ContactExplanation:
    """A contact with the history of all `rows`, which are of the same number."""
    campaign = queries.campaign(db, row.campaign_id)
    suppressions = _in_force(listed(db, _stored(row.phone, ledger)), campaign, now)
    why, clears_at = _why(db, row, campaign, suppressions, now, surroundings)
    contact_ids = [one.id for one in rows]
    return ContactExplanation(
        id=row.id,
        version=version_of(row),
        campaign=campaign,
        runs=[_run(one) for one in rows],
        line=row.line,
        key=row.key,
        number=shown_number(row.phone),
        status=ContactStatus(row.status),
        zone=row.zone,
        local_time=now.astimezone(zones_of(row.zone)[0]),
        not_after=row.not_after,
        urgent=row.urgent,
        caller_id=row.caller_id,
        priority=campaign.definition.priority,
        callback_data=_callback_data(row, campaign),
        where=campaign.definition.contacts.where,
        order=campaign.definition.contacts.order,
        consent=row.consent,
        response=row.response,
        reminder=campaign.definition.reminder_label(row.reminder),
        tried=_attempt_lines(db, contact_ids, campaign),
        told=receipt_lines(db, contact_ids),
        suppressions=suppressions,
        why=why,
        clears_at=clears_at,
    )


def _callback_data(row: Row[Any], campaign: Campaign) -> str | None:
    try:
        text = campaign.definition.callback_text(row.fields, row.zone)
    except BadText:
        return None
    return text and mask_written(text)


def _stored(phone: str, ledger: Ledger) -> Sequence[str]:
    """All forms of a contact's number on the list; of one that was erased, the hash that stands for it."""
    return [phone] if phone.startswith(HASHED) else ledger.forms(phone)


def _contacts_of(db: Connection, name: str, stored: Sequence[str]) -> Sequence[Row[Any]]:
    """The contacts of this number in all campaigns of a name, the oldest first."""
    of_number = (campaigns.c.name == name, contacts.c.phone.in_(stored))
    query = select(contacts, campaigns.c.started_at).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
    return db.execute(query.where(*of_number).order_by(campaigns.c.created_at, contacts.c.id)).all()


def _run(row: Row[Any]) -> CampaignRun:
    return CampaignRun(
        campaign=row.campaign_id, started_at=row.started_at, status=ContactStatus(row.status), reason=row.reason
    )


def _no_such_contact(
    db: Connection,
    number: PhoneNumber,
    stored: Sequence[str],
    campaign: Campaign,
    rows: Sequence[Row[Any]],
    suppressions: Sequence[Suppression],
) -> NoSuchContact:
    """The error for a number that the campaign does not have, with where else to look for it."""
    message = f"{number.masked} is not among the {counted(campaign.contacts, 'contact')} of {campaign.id}"
    if rows:
        return NoSuchContact(message, f"it is one of {rows[-1].campaign_id}: ask for that, or for {campaign.name}")
    if campaign.status is CampaignStatus.DRAFT:
        return NoSuchContact(f"{message}, whose list is still being read in", "ask again when it has started")
    list_file = campaign.definition.contacts.file
    remedy = f"none of its rows was rejected: look for the number in its list, {list_file}"
    if campaign.rejects_file:
        remedy = f"rows of {list_file} that were not taken stand with their reason in {campaign.rejects_file}"
    if where := campaign.definition.contacts.where:
        remedy += f"; rows are left out without one that do not meet contacts.where: {where}"
    if suppressions:
        remedy = (
            f"it is on the suppression list ({suppressions[-1].reason}), and so left out where a list has it; {remedy}"
        )
    elif others := _campaigns_with(db, stored):
        remedy = f"it is one of {', '.join(others)}: ask for one of those; {remedy}"
    return NoSuchContact(message, remedy)


def _campaigns_with(db: Connection, stored: Sequence[str]) -> Sequence[str]:
    """The newest campaigns of any name that have the number."""
    query = select(campaigns.c.id).join(contacts, contacts.c.campaign_id == campaigns.c.id)
    newest_first = query.where(contacts.c.phone.in_(stored)).order_by(campaigns.c.created_at.desc(), campaigns.c.id)
    return db.scalars(newest_first.limit(CAMPAIGNS_NAMED)).all()


def _in_force(suppressions: Sequence[Suppression], campaign: Campaign, now: datetime) -> list[Suppression]:
    """Those that hold now for the campaign's account."""
    accounts = (EVERY_ACCOUNT, campaign.account)
    return [line for line in suppressions if line.account in accounts and line.holds(now)]


def _why(
    db: Connection,
    row: Row[Any],
    campaign: Campaign,
    suppressions: Sequence[Suppression],
    now: datetime,
    surroundings: Surroundings,
) -> tuple[str, datetime | None]:
    """Why the contact is not being called: its own reasons before its campaign's, lasting ones before passing ones."""
    status = ContactStatus(row.status)
    if status in FINAL_CONTACTS:
        return f"it is {status.value}: {row.reason}", None
    if status not in WAITING_CONTACTS:
        last = f", and is the last: it was withdrawn ({row.withdrawal})" if row.withdrawal is not None else ""
        return f"its call is in progress{last}", None
    if suppressions:
        return f"it is on the suppression list and will not be called: {suppressions[-1].reason}", None
    hold = hold_reason(db, campaign, now, surroundings)
    if hold.kind not in GOING | PER_CONTACT:
        return hold.words, hold.clears_at
    if capped := capped_until(db, row, campaign, now):
        why, clears_at = f"its number has had its calls: at most {capped[0].written}", capped[1]
    elif row.due_at > now and (used := number_used_up(db, row, campaign, now)):
        why, clears_at = used
    else:
        why, clears_at = _when(row, campaign, now)
    if clears_at is not None and row.not_after is not None and clears_at >= row.not_after:
        return f"{why}, and that lasts longer than its not_after: it will not be called", None
    return why, clears_at


def _when(row: Row[Any], campaign: Campaign, now: datetime) -> tuple[str, datetime | None]:
    opening = next_opening(campaign.definition, row.zone, max(now, row.due_at))
    if row.due_at > now and row.reason:
        return f"it was put off by {row.reason}", opening
    if row.due_at > now and row.reminder and (label := campaign.definition.reminder_label(row.reminder)):
        return f"it waits for its next call: the reminder {label} before its appointment", opening
    if row.due_at > now and campaign.definition.reminders and row.reminder is None:
        if row.not_after is not None and not any(openings(campaign.definition, row.zone, row.not_after)):
            return "no calling hour comes in time for its reminders: it is not called", None
        return "its appointment is nearer than its last reminder: it is not called", None
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
    if attempt.short:
        return "answered_short"
    return str(attempt.outcome or (attempt.mnemonic or attempt.verdict if not_placed else attempt.status))


def _attempt_lines(db: Connection, contact_ids: Sequence[int], campaign: Campaign) -> list[AttemptLine]:
    with_cost = select(attempts, cost_of_attempt().label("cost"))
    query = with_cost.where(attempts.c.contact_id.in_(contact_ids)).order_by(attempts.c.dialing_at)
    return [
        AttemptLine(
            campaign=row.campaign_id,
            number=row.number,
            at=row.dialing_at,
            local_time=row.local_time,
            account=row.account,
            caller_id=row.caller_id,
            became=_became(row),
            response=row.response,
            reminder=campaign.definition.reminder_label(row.reminder),
            variant=row.variant,
            detail=row.detail,
            cost=None if row.cost is None else amount(int(row.cost)),
            currency=row.currency,
            allowed_by=row.allowed_by,
            next_attempt_at=row.next_attempt_at,
        )
        for row in db.execute(query)
    ]
