"""Asks an account's provider whether the account can dial now; no call is placed."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.safeguards.start_account import why_not
from dialer.verdicts import Verdict
from workers.settings import Settings
from workers.wiring import open_accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTrouble:
    """Why an account cannot dial: `missing` names what its settings lack; else the provider was asked.

    `refused`: the provider refuses the account, rather than the request of this moment.
    """

    why: str
    missing: str = ""
    refused: bool = False


def account_trouble(account: str, settings: Settings) -> AccountTrouble | None:
    """Why this account of the settings cannot dial now; None if it can."""
    own = settings.accounts[account]
    if missing := own.credentials_missing:
        return AccountTrouble(why=f"it has no {missing}", missing=missing)
    with open_accounts(settings.model_copy(update={"accounts": {account: own}})) as accounts:
        ruling = accounts[account].check()
    why = why_not(ruling)
    return None if why is None else AccountTrouble(why=why, refused=ruling.verdict is Verdict.HALT_ACCOUNT)
