"""Campaigns: how they stand and why, and what an operator may do with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch.clone import clone
from campaigns.launch.drafts import file_drafts
from campaigns.launch.redial import WORDS, redial
from campaigns.ledger import queries
from campaigns.lifecycle import CampaignStatus
from campaigns.operations.api_tokens import Scope
from campaigns.operations.people import Role
from campaigns.reporting import explain
from campaigns.reporting.hold_reason import HoldKind
from campaigns.reporting.listings import mask_numbers
from campaigns.reporting.status import CampaignSummary, summarize_campaign, summary_facts
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.cursors import After, Limit, Page, moment_and_id_after, page_of
from console.server.etags import versions_of
from console.server.state import InjectedState

router = api_router("campaigns")

IfMatch = Annotated[
    str | None,
    Header(description="The ETag that the caller has seen: 412, and nothing is done, when there is another one now."),
]


async def _campaign_of(
    campaign_id: Annotated[str, Path(description="Its id or name, or the id of the draft that it was.")],
    state: InjectedState,
) -> str:
    return file_drafts.campaign_of(state.settings.data_dir, campaign_id)


CampaignId = Annotated[str, Depends(_campaign_of)]
ETAG = {
    "headers": {
        "ETag": {
            "description": "Its first part, up to a ~, changes when the status does.",
            "schema": {"type": "string"},
        }
    }
}


class FallingShown(BaseModel):
    """A number of several of whose latest calls at most half as many were answered as of those before."""

    number: str = Field(description="The number that the calls show.")
    share: float = Field(description="The answered share of its last 100 calls.")
    earlier_share: float = Field(description="Of up to 300 before those.")


class CampaignState(BaseModel):
    """A campaign at one moment; the names are those of `dialer status --json`."""

    campaign: str = Field(description="Its id, as the commands and the paths take it.")
    name: str
    account: str
    rehearsal: bool = Field(description="Started on a sandbox: nobody is called.")
    status: CampaignStatus
    reason: str | None = Field(description="Why it has this status.")
    since: datetime
    why: str = Field(description="What it is doing, or the one reason why nothing is being dialed.")
    kind: HoldKind = Field(description="The same for programs.")
    clears_at: datetime | None = Field(description="When that passes, where it is known.")
    rate: float = Field(description="Requests a second, lately.")
    pace: float | None
    ends_at: datetime | None = Field(description="When it is through, at this rate.")
    many_unknown: bool
    falling: list[FallingShown] = Field(description="Of its several numbers, those that are answered less than before.")
    instead_of: str | None = Field(description="Its preferred account, while it goes on with another one.")
    returns_at: datetime | None = Field(
        description="When it goes back to its preferred account, if that answers until then."
    )
    held_by: str | None
    held_until: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    contacts: int
    final: int
    by_status: dict[str, int] = Field(description="Contacts by status.")
    outcomes: dict[str, int] = Field(description="Calls by how they ended.")
    attempts: int
    in_progress: int
    unconfirmed: int
    due_now: int = Field(description="1,000 at the most.")
    next_due_at: datetime | None
    rejects: int


class CampaignExplanation(BaseModel):
    """The one reason why nothing is being dialed."""

    campaign: str
    status: CampaignStatus
    kind: HoldKind
    why: str
    clears_at: datetime | None
    by: str | None
    since: datetime | None
    remedy: str | None
    account: str = Field(description="The one with which it dials now.")
    instead_of: str | None = Field(description="Its preferred account, while it goes on with another one.")
    returns_at: datetime | None = Field(
        description="When it goes back to its preferred account, if that answers until then."
    )


class Control(BaseModel):
    """What may be said with an act."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(
        None, max_length=200, pattern=NO_NUL, description="Stands in the audit and in the campaign's reason."
    )


class Redial(BaseModel):
    """Whom to call again."""

    model_config = ConfigDict(extra="forbid")

    outcomes: list[str] = Field([], max_length=20, description=f"{', '.join(WORDS)}; none: all unanswered calls.")
    responses: list[str] = Field(
        [], max_length=50, description="People who were reached: by what they pressed, or none for who pressed nothing."
    )


class Clone(BaseModel):
    """How the copy is to be named."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=60)


class ClonedDefinition(BaseModel):
    """A campaign's definition as the text of a campaign file."""

    definition: str = Field(description="YAML: change what you like, and create a campaign from it.")


@router.get("/campaigns", **needs(Scope.READ))
def list_campaigns(
    state: InjectedState,
    caller: InjectedCaller,
    status: Annotated[CampaignStatus | None, Query(description="Those of one status.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[CampaignState]:
    """Campaigns, the newest first."""
    now, statuses = state.clock(), None if status is None else [status]
    with state.ledger.reading() as db:
        rows = queries.all_campaigns(db, statuses, after=moment_and_id_after(after), limit=limit + 1)
        return page_of(
            rows,
            limit,
            lambda row: campaign_state(summarize_campaign(db, row, now, state.surroundings), caller),
            lambda row: (row.created_at.isoformat(), row.id),
        )


@router.get("/campaigns/{campaign_id}", **needs(Scope.READ, ok=ETAG))
def show_campaign(
    campaign_id: CampaignId, response: Response, state: InjectedState, caller: InjectedCaller
) -> CampaignState:
    """How a campaign stands; given a name, the newest of that name."""
    return _reply(state.campaigns_of(caller.name).status(campaign_id), caller, response)


@router.get("/campaigns/{campaign_id}/explain", **needs(Scope.READ))
def explain_campaign(campaign_id: CampaignId, state: InjectedState, caller: InjectedCaller) -> CampaignExplanation:
    """Why nothing is being dialed, when it clears, and what can be done."""
    campaign, reason = explain.explain_campaign(
        state.ledger, campaign_id, now=state.clock(), surroundings=state.surroundings
    )
    return CampaignExplanation(
        campaign=campaign.id,
        status=campaign.status,
        kind=reason.kind,
        why=shown_text(reason.words, caller),
        clears_at=reason.clears_at,
        by=reason.by,
        since=reason.since,
        remedy=reason.remedy(campaign) or None,
        account=campaign.account,
        instead_of=campaign.instead_of,
        returns_at=campaign.returns_at,
    )


@router.post("/campaigns/{campaign_id}/pause", **needs(Scope.CAMPAIGNS, person=Role.SENDER, ok=ETAG))
def pause_campaign(
    campaign_id: CampaignId,
    response: Response,
    state: InjectedState,
    caller: InjectedCaller,
    given: Control | None = None,
    if_match: IfMatch = None,
) -> CampaignState:
    """No new calls from now on; calls in progress go on to their end."""
    campaigns = state.campaigns_of(caller.name)
    campaign = campaigns.pause(campaign_id, reason=_reason(given), versions=versions_of(if_match))
    return _reply(campaigns.status(campaign.id), caller, response)


@router.post("/campaigns/{campaign_id}/resume", **needs(Scope.SEND, ok=ETAG))
def resume_campaign(
    campaign_id: CampaignId, response: Response, state: InjectedState, caller: InjectedCaller, if_match: IfMatch = None
) -> CampaignState:
    """Dial again, also after a breaker, a budget or a canary has paused it."""
    campaigns = state.campaigns_of(caller.name)
    campaign = campaigns.resume(campaign_id, versions=versions_of(if_match))
    return _reply(campaigns.status(campaign.id), caller, response)


@router.post("/campaigns/{campaign_id}/cancel", **needs(Scope.CAMPAIGNS, person=Role.SENDER, ok=ETAG))
def cancel_campaign(
    campaign_id: CampaignId,
    response: Response,
    state: InjectedState,
    caller: InjectedCaller,
    given: Control | None = None,
    if_match: IfMatch = None,
) -> CampaignState:
    """End for good: contacts not being called become cancelled."""
    campaigns = state.campaigns_of(caller.name)
    campaign = campaigns.cancel(campaign_id, reason=_reason(given), versions=versions_of(if_match))
    return _reply(campaigns.status(campaign.id), caller, response)


@router.post("/campaigns/{campaign_id}/close", **needs(Scope.CAMPAIGNS, person=Role.SENDER, ok=ETAG))
def close_campaign(
    campaign_id: CampaignId, response: Response, state: InjectedState, caller: InjectedCaller, if_match: IfMatch = None
) -> CampaignState:
    """Let a standing campaign take no more contacts: it finishes when all that it has are final."""
    campaigns = state.campaigns_of(caller.name)
    closed = campaigns.close(campaign_id, versions=versions_of(if_match))
    return _reply(campaigns.status(closed.id), caller, response)


@router.post("/campaigns/{campaign_id}/redial", **needs(Scope.SEND, status=201, ok=ETAG))
def redial_campaign(
    campaign_id: CampaignId,
    response: Response,
    state: InjectedState,
    caller: InjectedCaller,
    given: Redial | None = None,
) -> CampaignState:
    """A new campaign, started, over the contacts that an ended one did not reach."""
    outcomes = given.outcomes if given else []
    above = state.settings.console.second_person_above
    facts: dict[str, Any] = {"who": caller.name, "now": state.clock(), "second_person_above": above}
    started = redial(state.ledger, campaign_id, outcomes, given.responses if given else [], **facts)
    return _reply(state.campaigns_of(caller.name).status(started.id), caller, response)


@router.post("/campaigns/{campaign_id}/clone", **needs(Scope.CAMPAIGNS))
def clone_campaign(
    campaign_id: CampaignId, state: InjectedState, caller: InjectedCaller, given: Clone | None = None
) -> ClonedDefinition:
    """The definition of a campaign, to be changed and created anew: what has started is locked."""
    name = given.name if given else None
    return ClonedDefinition(definition=clone(state.ledger, campaign_id, name=name, who=caller.name, now=state.clock()))


def campaign_state(summary: CampaignSummary, caller: Caller) -> CampaignState:
    """A summary as the API has it."""
    facts = summary_facts(summary)
    return CampaignState(**facts | {name: shown_text(facts[name], caller) for name in ("reason", "why")})


def shown_text(text: Any, caller: Caller) -> Any:
    """A text as this caller may see it: a provider's message may have a number in it."""
    return text if caller.may(Scope.NUMBERS) else mask_numbers(text)


def _reason(given: Control | None) -> str | None:
    return given.reason if given else None


def _reply(summary: CampaignSummary, caller: Caller, response: Response) -> CampaignState:
    response.headers["ETag"] = f'"{summary.campaign.version}"'
    return campaign_state(summary, caller)
