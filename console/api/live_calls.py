"""Calls in progress: what `dialer call` lists and does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from campaigns.operations import live_calls
from campaigns.operations.api_tokens import Scope
from campaigns.operations.live_calls import ACTIONS, SHORTEST_NUMBER, Act, Given
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.cursors import MAX_ID
from console.server.state import AppState, InjectedState
from dialer.account import Account
from dialer.live_calls import LiveCall, calls_at
from dialer.phone import mask
from workers.wiring import open_accounts

router = api_router("live calls")

AccountName = Annotated[str | None, Query(max_length=100, description="Only this account's.")]
Session = Annotated[int, Path(ge=1, le=MAX_ID, description="The call's session, as the list has it.")]


class CallTag(BaseModel):
    """A tag of a call."""

    id: int | None
    name: str | None


class CallLeg(BaseModel):
    """A participant of a call."""

    leg_id: int | None
    called: str | None = Field(description="Masked, unless the token has the scope `numbers`.")
    is_operator: bool | None
    employee: str | None
    recorded: bool | None
    state: str | None


class CallInProgress(BaseModel):
    """A call in progress; the names are those of `dialer call list --json`."""

    account: str
    call_session_id: int
    direction: str | None
    start_time: str | None
    virtual_phone_number: str | None
    contact_phone_number: str | None = Field(description="Masked, unless the token has the scope `numbers`.")
    external_id: str | None
    campaign: str | None = Field(description="Null: it is no call of ours.")
    tags: list[CallTag]
    legs: list[CallLeg]


class CallsInProgress(BaseModel):
    """The calls in progress."""

    items: list[CallInProgress]


class Option(BaseModel):
    """What a key does during a talk."""

    account: str
    button: str | None
    mnemonic: str | None
    name: str | None
    value: str | None


class Options(BaseModel):
    """What keys do during a talk."""

    items: list[Option]


class Done(BaseModel):
    """What was done with a call."""

    call_session_id: int
    action: str


class Blocked(Done):
    """A contact that is not called again."""

    suppressed: bool = Field(description="False: our list is as it was, its number is not known or it is a rehearsal.")


@router.get("/live-calls", **needs(Scope.CALLS))
def list_live_calls(state: InjectedState, caller: InjectedCaller, account: AccountName = None) -> CallsInProgress:
    """The calls in progress and who takes part in them. Each account is asked, which costs it a point."""
    with _accounts(state) as accounts:
        calls = list(live_calls.calls_in_progress(live_calls.manageable(accounts, account)))
    campaigns = live_calls.campaigns_of_calls(state.ledger, [call for _, call in calls])
    items = [_call(owner.name, call, campaigns.get(call.external_id or ""), caller) for owner, call in calls]
    return CallsInProgress(items=items)


@router.get("/live-calls/talk-options", **needs(Scope.CALLS))
def list_talk_options(state: InjectedState, account: AccountName = None) -> Options:
    """What keys do during a talk, as each account's client area has it."""
    with _accounts(state) as accounts:
        options = [
            Option(account=owner.name, button=one.button, mnemonic=one.mnemonic, name=one.name, value=one.value)
            for owner in live_calls.manageable(accounts, account)
            for one in calls_at(owner).list_talk_options()
        ]
    return Options(items=options)


@router.post("/live-calls/{session}/block", **needs(Scope.CALLS))
def block_live_call(
    session: Session, state: InjectedState, caller: InjectedCaller, given: Given | None = None
) -> Blocked:
    """Let nobody call this contact again: our suppression list, and the provider's."""
    with _accounts(state) as accounts:
        call = live_calls.find(state.ledger, accounts, session, given.account if given else None)
        suppressed = live_calls.block(state.ledger, call, who=caller.name, now=state.clock())
    return Blocked(call_session_id=session, action="block", suppressed=suppressed)


def _add_route(action: str, kind: type[Given], act: Act, meaning: str) -> None:
    def do(session: Session, state: InjectedState, caller: InjectedCaller, given: Any) -> Done:
        with _accounts(state) as accounts:
            call = live_calls.find(state.ledger, accounts, session, given.account)
            live_calls.act(
                state.ledger,
                call,
                f"call {action}",
                lambda calls: act(calls, session, given),
                who=caller.name,
                now=state.clock(),
            )
        return Done(call_session_id=session, action=action)

    do.__annotations__["given"] = kind
    name = f"{action.replace('-', '_')}_live_call"
    router.add_api_route(
        f"/live-calls/{{session}}/{action}", do, methods=["POST"], name=name, description=meaning, **needs(Scope.CALLS)
    )


for action, (kind, act, meaning) in ACTIONS.items():
    _add_route(action, kind, act, meaning)


@contextmanager
def _accounts(state: AppState) -> Iterator[dict[str, Account]]:
    with open_accounts(state.settings) as accounts:
        yield accounts


def _call(account: str, call: LiveCall, campaign: str | None, caller: Caller) -> CallInProgress:
    return CallInProgress(
        account=account,
        call_session_id=call.call_session_id,
        direction=call.direction,
        start_time=call.start_time,
        virtual_phone_number=call.virtual_phone_number,
        contact_phone_number=_shown(call.contact_phone_number, caller),
        external_id=call.external_id,
        campaign=campaign,
        tags=[CallTag(id=tag.tag_id, name=tag.tag_name) for tag in call.tags],
        legs=[
            CallLeg(
                leg_id=leg.leg_id,
                called=_shown(leg.called_phone_number, caller),
                is_operator=leg.is_operator,
                employee=leg.employee_full_name,
                recorded=leg.record_call_enabled,
                state=leg.state,
            )
            for leg in call.legs
        ],
    )


def _shown(number: str | None, caller: Caller) -> str | None:
    if number is None or len(number) < SHORTEST_NUMBER or caller.may(Scope.NUMBERS):
        return number
    return mask("+" + number.lstrip("+"))
