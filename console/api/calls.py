"""Single calls: one contact of a standing campaign, asked for, told about and withdrawn by a program."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch.drafts.new_drafts import Cell
from campaigns.ledger.lists.appends import RowFate
from campaigns.ledger.lists.contacts import Outcome
from campaigns.library import CallRequested
from campaigns.lifecycle import ContactStatus
from campaigns.operations.api_tokens import Scope
from console.api.campaigns import shown_text
from console.api.contacts import ContactStory, story_of
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.cursors import MAX_ID
from console.server.moments import Moment
from console.server.state import InjectedState

router = api_router("calls")

CallId = Annotated[int, Path(ge=1, le=MAX_ID, description="The id that the request was answered with.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Sent again within a day with the same body, the answer is the same and nothing is done; with "
        "another body it is refused (409).",
    ),
]


class NewCall(BaseModel):
    """One call that is asked for."""

    model_config = ConfigDict(extra="forbid")

    campaign: str = Field(max_length=100, description="A standing campaign (`contacts: {standing: true}`).")
    to: str = Field(max_length=60, description="The number, written as in a list of the campaign.")
    fields: dict[str, Cell] = Field({}, description="The values of the text's variables, by their columns.")
    key: str | None = Field(None, max_length=200, description="Its name in the caller's own system.")
    not_after: Moment | None = Field(None, description="It is never placed after this moment.")
    urgent: bool = Field(False, description="It goes before the other calls of its campaign.")


class RequestedCall(BaseModel):
    """A call that was taken."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    campaign: str
    fate: RowFate = Field(description="A contact was `added`, the one of its key `changed`, or nothing (`same`).")
    replayed: bool = Field(description="Its idempotency key was used before, and this is the answer of then.")


class WithdrawnCall(BaseModel):
    """What became of an order to withdraw a call."""

    id: int
    campaign: str
    outcome: Outcome = Field(description="`on_a_call`: it is on the line, goes on to its end, and is the last.")
    status: ContactStatus
    reason: str | None


@router.post("/calls", **needs(Scope.CALLS, status=201))
def request_call(
    given: NewCall,
    response: Response,
    state: InjectedState,
    caller: InjectedCaller,
    idempotency_key: IdempotencyKey = None,
) -> RequestedCall:
    """Append one contact to a standing campaign: rendered, checked and gated like any other, and due at once."""
    facts: dict[str, Any] = given.model_dump(exclude={"campaign"})
    requested = CallRequested(**facts, idempotency_key=idempotency_key)
    call = state.campaigns_of(caller.name).place_call(given.campaign, requested)
    if not call.replayed:
        state.nudges.nudge(call.account)
    response.headers["Location"] = f"/api/v1/calls/{call.id}"
    return RequestedCall.model_validate(call)


@router.get("/calls/{call_id}", **needs(Scope.CALLS))
def show_call(call_id: CallId, state: InjectedState, caller: InjectedCaller) -> ContactStory:
    """The story of a call: where it stands and why, its attempts, and what the provider told of them."""
    return story_of(state.campaigns_of(caller.name).call_story(call_id), caller)


@router.delete("/calls/{call_id}", **needs(Scope.CALLS))
def withdraw_requested_call(call_id: CallId, state: InjectedState, caller: InjectedCaller) -> WithdrawnCall:
    """Withdraw a call: it is never placed from the answer on, unless it is on the line, which is said."""
    withdrawal = state.campaigns_of(caller.name).withdraw_call(call_id)
    contact = withdrawal.contact
    return WithdrawnCall(
        id=contact.id,
        campaign=contact.campaign,
        outcome=withdrawal.outcome,
        status=contact.status,
        reason=shown_text(contact.reason, caller),
    )
