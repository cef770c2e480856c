"""A check before a campaign starts: which of its accounts can log in."""

from __future__ import annotations

from campaigns.definition import Definition
from campaigns.safeguards.start_account import StartAccount, start_account, why_not
from dialer.errors import DialerError
from dialer.verdicts import Verdict
from workers.settings import Settings
from workers.wiring import open_accounts


class CannotLogIn(DialerError):
    """The provider cannot be reached or refuses the account; no campaign was started."""


def check_login(account: str, settings: Settings) -> None:
    """Ask the provider, placing no call. Raises CannotLogIn."""
    if trouble := _trouble(account, settings):
        raise trouble


def choose_account(definition: Definition, settings: Settings) -> StartAccount:
    """The first of a campaign's accounts that can log in. Raises CannotLogIn of the preferred one: none can."""
    troubles: dict[str, CannotLogIn] = {}

    def why_not(name: str) -> str | None:
        if trouble := _trouble(name, settings):
            troubles[name] = trouble
        return trouble.message if trouble else None

    chosen = start_account(definition, why_not)
    if chosen is None:
        first, *_ = troubles.values()
        raise CannotLogIn("; ".join(trouble.message for trouble in troubles.values()), first.remedy)
    return chosen


def _trouble(account: str, settings: Settings) -> CannotLogIn | None:
    account_settings = settings.accounts[account]
    if account_settings.credentials_missing:
        variable = f"DIALER_ACCOUNTS__{account}__{account_settings.credentials_missing.partition(',')[0]}".upper()
        return CannotLogIn(
            f"account {account} has no {account_settings.credentials_missing}",
            f"add it under [accounts.{account}] in dialer.toml, or as {variable}",
        )
    with open_accounts(settings.model_copy(update={"accounts": {account: account_settings}})) as accounts:
        ruling = accounts[account].check()
    why = why_not(ruling)
    if why is None:
        return None
    if ruling.verdict is Verdict.HALT_ACCOUNT:
        return CannotLogIn(
            f"{account_settings.url} refuses account {account}: {why}", "correct its key, or ask the provider"
        )
    return CannotLogIn(
        f"{account_settings.url} cannot be used for account {account}: {why}",
        "see that the address is right and the provider is up, then start again",
    )
