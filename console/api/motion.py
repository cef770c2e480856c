"""Contacts in motion: changed while they wait, withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from campaigns.launch.drafts.new_drafts import Cell
from campaigns.ledger.lists.contacts import ContactLine, Outcome
from campaigns.library import Change, ContactRef
from campaigns.lifecycle import ContactStatus
from campaigns.operations.api_tokens import Scope
from console.api.campaigns import ETAG, CampaignId, IfMatch, shown_text
from console.api.contacts import ContactStory, NumberGiven, phone_of, story_of
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.cursors import MAX_ID
from console.server.etags import versions_of
from console.server.moments import Moment
from console.server.state import InjectedState

router = api_router("contacts")

CONTACTS = "/campaigns/{campaign_id}/contacts"
ContactId = Annotated[int, Path(ge=1, le=MAX_ID, description="The contact's id, as the list has it.")]


class Named(NumberGiven):
    """A contact, named by its number, its key or its id."""

    number: str | None = Field(None, max_length=60, description="With + and country code, or with `country`.")  # type: ignore[assignment]
    key: str | None = Field(None, max_length=200, pattern=NO_NUL)
    id: int | None = Field(None, ge=1, le=MAX_ID, strict=True)

    @model_validator(mode="after")
    def _one_name(self) -> Named:
        if sum(name is not None for name in (self.number, self.key, self.id)) != 1:
            raise ValueError("name a contact by its number, its key or its id: one of the three")
        return self


class Withdraw(BaseModel):
    """Contacts that are not to be called any more."""

    model_config = ConfigDict(extra="forbid")

    contacts: list[Named] = Field(min_length=1, max_length=10_000)
    reason: str | None = Field(None, max_length=200, pattern=NO_NUL, description="The report and the audit have it.")


class ContactNow(BaseModel):
    """A contact as it stands now, and what became of the order."""

    id: int
    key: str
    number: str
    status: ContactStatus
    reason: str | None
    not_after: datetime | None
    due_at: datetime
    attempts: int
    outcome: Outcome = Field(description="`on_a_call`: a call of it is on the line, goes on, and is the last.")
    why: str = Field(description="Why it is as it was; blank where it is done.")


class Withdrawn(BaseModel):
    """What became of each contact that was to be withdrawn."""

    campaign: str
    contacts: list[ContactNow]
    unknown: list[str] = Field(description="What names no contact of the campaign.")


class ContactChange(BaseModel):
    """New values of a contact; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, Cell] | None = None
    phone: str | None = Field(None, max_length=60)
    not_after: Moment | None = None
    text: str | None = Field(None, max_length=10_000)


@router.post(f"{CONTACTS}/withdraw", **needs(Scope.CAMPAIGNS))
def withdraw_campaign_contacts(
    campaign_id: CampaignId, given: Withdraw, state: InjectedState, caller: InjectedCaller
) -> Withdrawn:
    """Take contacts out of a campaign: they are not called from the answer on. Other campaigns may call them."""
    refs = [_ref(contact) for contact in given.contacts]
    result = state.campaigns_of(caller.name).withdraw(campaign_id, *refs, reason=given.reason)
    return Withdrawn(
        campaign=result.campaign,
        contacts=[_now(one.contact, one.outcome, "", caller) for one in result.contacts],
        unknown=[str(ref) for ref in result.unknown],
    )


@router.get(f"{CONTACTS}/{{contact_id}}", **needs(Scope.READ, ok=ETAG))
def show_contact(
    campaign_id: CampaignId, contact_id: ContactId, response: Response, state: InjectedState, caller: InjectedCaller
) -> ContactStory:
    """A contact's whole story: where it stands and why, its attempts, and what the provider told of them."""
    story = state.campaigns_of(caller.name).show(campaign_id, ContactRef(contact_id=contact_id))
    response.headers["ETag"] = f'"{story.version}"'
    return story_of(story, caller)


@router.patch(f"{CONTACTS}/{{contact_id}}", **needs(Scope.CAMPAIGNS, ok=ETAG))
def change_campaign_contact(
    campaign_id: CampaignId,
    contact_id: ContactId,
    given: ContactChange,
    response: Response,
    state: InjectedState,
    caller: InjectedCaller,
    if_match: IfMatch = None,
) -> ContactNow:
    """Change a contact while it waits for its call; the new values are checked as at the start."""
    change = Change(**given.model_dump())
    result = state.campaigns_of(caller.name).change(
        campaign_id, ContactRef(contact_id=contact_id), change, versions=versions_of(if_match)
    )
    response.headers["ETag"] = f'"{result.contact.version}"'
    return _now(result.contact, result.outcome, result.why, caller)


def _ref(named: Named) -> ContactRef:
    if named.number is not None:
        return ContactRef(number=phone_of(named))
    return ContactRef(key=named.key, contact_id=named.id)


def _now(contact: ContactLine, outcome: Outcome, why: str, caller: Caller) -> ContactNow:
    return ContactNow(
        id=contact.id,
        key=contact.key,
        number=contact.number,
        status=contact.status,
        reason=shown_text(contact.reason, caller),
        not_after=contact.not_after,
        due_at=contact.due_at,
        attempts=contact.attempts,
        outcome=outcome,
        why=shown_text(why, caller),
    )
