"""A campaign's contacts and attempts: listed, searched, explained."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from campaigns.ledger import queries
from campaigns.lifecycle import ContactStatus
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.explain import ContactExplanation, explain_contact
from campaigns.reporting.listings import ListedAttempt, ListedContact, attempts_after, contacts_after
from console.api.campaigns import CampaignId, shown_text
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.cursors import MAX_ID, MAX_LIMIT, After, Limit, Page, id_after, moment_and_uuid_after, page_of
from console.server.state import InjectedState
from dialer.phone import BadCountry, BadPhoneNumber, PhoneNumber, country_named, mask, parse

router = api_router("contacts")

CAMPAIGN = "/campaigns/{campaign_id}"


class Contact(BaseModel):
    """One contact of a campaign."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    line: int = Field(description="Its line in the list.")
    key: str = Field(description="Its name in the caller's own system (`contacts.key`); blank: it has none.")
    phone: str = Field(description="Masked, unless the token has the scope `numbers`; `erased` after an erasure.")
    status: ContactStatus
    reason: str | None
    attempts: int
    due_at: datetime
    final_at: datetime | None


class Attempt(BaseModel):
    """One try at reaching a contact."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The external id, or correlation id, that the provider has.")
    contact: int = Field(description="The contact's id.")
    at: datetime
    phone: str
    number: int = Field(description="1 for the contact's first attempt.")
    account: str
    result: str = Field(description="The outcome of the call if it has ended, else the attempt's status.")
    ended: bool
    ended_at: datetime | None
    word: str = Field(description="The provider's own word or code; blank where there is none.")
    talk_seconds: float | None
    next_attempt_at: datetime | None


class NumberGiven(BaseModel):
    """A phone number. It stands in the body, since addresses are kept in logs."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(max_length=60, description="With + and country code, or with `country`.")
    country: str | None = Field(None, pattern="^[A-Za-z]{2}$", description="Of a number without a plus.")


class ExplainedAttempt(BaseModel):
    """One attempt in the history of a contact."""

    model_config = ConfigDict(from_attributes=True)

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
    cost: Decimal | None = Field(description="By the prices it was opened with; null without prices.")
    currency: str | None
    allowed_by: str | None
    next_attempt_at: datetime | None


class ExplainedReceipt(BaseModel):
    """One receipt in the history of a contact."""

    model_config = ConfigDict(from_attributes=True)

    campaign: str
    number: int
    received_at: datetime
    occurred_at: datetime | None
    word: str
    code: str | None
    means: str


class ExplainedRun(BaseModel):
    """What became of the contact in one campaign of the name."""

    model_config = ConfigDict(from_attributes=True)

    campaign: str
    started_at: datetime | None
    status: ContactStatus
    reason: str | None


class ContactStory(BaseModel):
    """The whole story of a contact; the names are those of `dialer explain --json`."""

    id: int
    key: str
    urgent: bool
    caller_id: str | None = Field(description="The number that it has been given of several; null where there is one.")
    priority: int | None = Field(description="Its place in the provider's queue: 1 low, 2 medium, 3 high.")
    callback_data: str | None = Field(description="Comes back with each receipt of its calls; numbers are masked.")
    campaign: str
    runs: list[ExplainedRun]
    line: int
    number: str
    status: ContactStatus
    zone: str
    local_time: datetime
    not_after: datetime | None
    where: str | None = Field(description="The condition of the list's rows that it met, if there is one.")
    order: list[str] = Field(description="The columns by which the campaign's contacts are called.")
    consent: str | None
    response: str | None = Field(description="What the person pressed, by the campaign's responses.")
    reminder: str | None = Field(description="Of several of its appointment, which it waits for or was told last.")
    tried: list[ExplainedAttempt]
    told: list[ExplainedReceipt]
    suppressions: int
    why: str
    clears_at: datetime | None


@router.get(f"{CAMPAIGN}/contacts", **needs(Scope.READ))
def list_contacts(
    campaign_id: CampaignId,
    state: InjectedState,
    caller: InjectedCaller,
    status: Annotated[ContactStatus | None, Query(description="Those of one status.")] = None,
    key: Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="The one with this key.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Contact]:
    """The contacts, in the order in which they were added."""
    start, numbers = id_after(after), caller.may(Scope.NUMBERS)
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        rows = contacts_after(db, campaign.id, status=status, key=key, after=start, limit=limit + 1, numbers=numbers)
    return page_of(rows, limit, Contact.model_validate, _id)


@router.post(f"{CAMPAIGN}/contacts/search", **needs(Scope.READ))
def search_contacts(
    campaign_id: CampaignId, given: NumberGiven, state: InjectedState, caller: InjectedCaller
) -> Page[Contact]:
    """The contacts with this number: none, one, or one for each of several keys."""
    forms = state.ledger.forms(phone_of(given).e164)
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        rows = contacts_after(db, campaign.id, phones=forms, limit=MAX_LIMIT, numbers=caller.may(Scope.NUMBERS))
    return page_of(rows, MAX_LIMIT, Contact.model_validate, _id)


@router.post(f"{CAMPAIGN}/contacts/explain", **needs(Scope.READ))
def explain_number(
    campaign_id: CampaignId, given: NumberGiven, state: InjectedState, caller: InjectedCaller
) -> ContactStory:
    """Why the contact with this number is not being called, and everything that became of it."""
    number, now = phone_of(given), state.clock()
    story = explain_contact(state.ledger, campaign_id, number, now=now, surroundings=state.surroundings)
    return story_of(story, caller, number)


@router.get(f"{CAMPAIGN}/attempts", **needs(Scope.READ))
def list_attempts(
    campaign_id: CampaignId,
    state: InjectedState,
    caller: InjectedCaller,
    contact: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Those of the contact with this id.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Attempt]:
    """The attempts, the latest first."""
    start, numbers = moment_and_uuid_after(after), caller.may(Scope.NUMBERS)
    with state.ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
        rows = attempts_after(db, campaign.id, contact=contact, after=start, limit=limit + 1, numbers=numbers)
    return page_of(rows, limit, Attempt.model_validate, _moment_and_id)


def phone_of(given: NumberGiven) -> PhoneNumber:
    """The number in a body. Refuses (422) what is none."""
    try:
        return parse(given.number, country_named(given.country) if given.country else None)
    except BadCountry as exc:
        raise HTTPException(422, f"country: {exc} – {exc.suggestion}") from None
    except BadPhoneNumber as exc:
        raise HTTPException(422, f"number: {exc}" + (f" – {exc.suggestion}" if exc.suggestion else "")) from None


def story_of(contact: ContactExplanation, caller: Caller, number: PhoneNumber | None = None) -> ContactStory:
    """A story as this caller may see it; `number` is the one that was asked for."""
    numbers = caller.may(Scope.NUMBERS)
    attempts = [ExplainedAttempt.model_validate(attempt) for attempt in contact.tried]
    for attempt in attempts:
        attempt.caller_id = attempt.caller_id if numbers else mask(attempt.caller_id)
        attempt.detail = shown_text(attempt.detail, caller)
    return ContactStory(
        id=contact.id,
        key=contact.key,
        urgent=contact.urgent,
        caller_id=contact.caller_id,
        priority=contact.priority,
        callback_data=contact.callback_data,
        campaign=contact.campaign.id,
        runs=[ExplainedRun.model_validate(run) for run in contact.runs],
        line=contact.line,
        number=number.e164 if numbers and number else contact.number,
        status=contact.status,
        zone=contact.zone,
        local_time=contact.local_time,
        not_after=contact.not_after,
        where=contact.where,
        order=list(contact.order),
        consent=shown_text(contact.consent, caller),
        response=contact.response,
        reminder=contact.reminder,
        tried=attempts,
        told=[ExplainedReceipt.model_validate(receipt) for receipt in contact.told],
        suppressions=len(contact.suppressions),
        why=shown_text(contact.why, caller),
        clears_at=contact.clears_at,
    )


def _id(row: ListedContact) -> tuple[int]:
    return (row.id,)


def _moment_and_id(row: ListedAttempt) -> tuple[str, str]:
    return row.at.isoformat(), str(row.id)
