"""The accounts, and how their limits stand."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from campaigns.operations.api_tokens import Scope
from console.account_limits import limits_now
from console.server.api_route import api_router, needs
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


class Accounts(BaseModel):
    """All accounts, by name."""

    items: list[AccountState]


@router.get("/accounts", **needs(Scope.READ))
def list_accounts(state: InjectedState) -> Accounts:
    """Every account of the settings, with its limits at this moment."""
    settings = state.settings.accounts
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
            )
            for limits in limits_now(state.buckets)
        ]
    )
