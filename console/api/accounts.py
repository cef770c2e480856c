"""The accounts, and how their limits stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from campaigns.operations import control
from campaigns.operations.api_tokens import Scope
from campaigns.safeguards.account_troubles import AccountTroubles, troubles_by_account
from console.account_limits import limits_now
from console.api.campaigns import shown_text
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.state import InjectedState

router = api_router("accounts")


class AccountLimit(BaseModel):
    """One limit of an account; null where nothing is counted or known."""

    model_config = ConfigDict(from_attributes=True)

    limit: str
    used: float | None
    of: float | None
    left: float | None
    resets_in: float | None = Field(description="Seconds.")
    others: int | None = Field(description="Points that others have used.")
    binds: bool = Field(description="Whether it holds the next call back.")


class HaltedCampaign(BaseModel):
    """A campaign that is paused because its account cannot dial."""

    model_config = ConfigDict(from_attributes=True)

    campaign: str
    since: datetime
    reason: str = Field(description="With the provider's word.")
    asked_at: datetime = Field(description="When the account is asked whether it can dial again.")
    answers_since: datetime | None


class OpenBreaker(BaseModel):
    """A campaign that its circuit breaker has paused."""

    model_config = ConfigDict(from_attributes=True)

    campaign: str
    of_account: bool = Field(description="It is open for all campaigns of the account.")
    since: datetime
    reason: str
    tries_at: datetime = Field(description="When one call tries again.")
    trying: bool


class ResumedCampaigns(BaseModel):
    """The campaigns that go on."""

    account: str
    campaigns: list[str]


class AccountState(BaseModel):
    """One account, and its limits as `dialer accounts --watch` shows them."""

    account: str
    provider: str
    sandbox: bool
    pace: float = Field(description="Calls a second.")
    limits: list[AccountLimit]
    waiting: dict[str, int] = Field(description="Requests that wait for a token, by campaign.")
    binding: str = Field(description="The limit that holds the next call back; blank: none.")
    binds_for: float = Field(description="Seconds.")
    away: str | None = Field(description="Why nothing is known.")
    amiss: str | None = Field(description="How the provider counts differently.")
    halted: list[HaltedCampaign]
    breakers: list[OpenBreaker]


class Accounts(BaseModel):
    """All accounts, by name."""

    items: list[AccountState]


@router.get("/accounts", **needs(Scope.READ))
def list_accounts(state: InjectedState, caller: InjectedCaller) -> Accounts:
    """Every account of the settings, with its limits at this moment."""
    settings = state.settings.accounts
    with state.ledger.reading() as db:
        troubles = troubles_by_account(db)
    return Accounts(
        items=[
            AccountState(
                account=limits.account,
                provider=settings[limits.account].provider,
                sandbox=settings[limits.account].sandbox,
                pace=settings[limits.account].pace,
                limits=[AccountLimit.model_validate(line) for line in limits.lines],
                waiting=dict(limits.waiting or {}),
                binding=limits.binding,
                binds_for=limits.binds_for,
                away=limits.away,
                amiss=limits.amiss,
                **_troubles(troubles.get(limits.account, AccountTroubles()), caller),
            )
            for limits in limits_now(state.buckets)
        ]
    )


@router.post("/accounts/{name}/resume", **needs(Scope.SEND))
def resume_account(name: str, state: InjectedState, caller: InjectedCaller) -> ResumedCampaigns:
    """Dial again for every campaign that was paused because this account could not."""
    if name not in state.settings.accounts:
        raise HTTPException(404, f"there is no account {name[:60]!r}")
    return ResumedCampaigns(
        account=name, campaigns=control.resume_halted(state.ledger, name, who=caller.name, now=state.clock())
    )


def _troubles(troubles: AccountTroubles, caller: Caller) -> dict[str, Any]:
    halted = [HaltedCampaign.model_validate(halt) for halt in troubles.halted]
    breakers = [OpenBreaker.model_validate(breaker) for breaker in troubles.breakers]
    troubled: list[HaltedCampaign | OpenBreaker] = [*halted, *breakers]
    for trouble in troubled:
        trouble.reason = shown_text(trouble.reason, caller)
    return {"halted": halted, "breakers": breakers}
