"""A check before a campaign starts: which of its accounts can log in."""

from __future__ import annotations

from campaigns.definition import Definition
from campaigns.safeguards.start_account import StartAccount, start_account
from dialer.errors import DialerError
from workers.account_checks import account_trouble
from workers.settings import Settings


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
    trouble = account_trouble(account, settings)
    if trouble is None:
        return None
    if trouble.missing:
        variable = f"DIALER_ACCOUNTS__{account}__{trouble.missing.partition(',')[0]}".upper()
        return CannotLogIn(
            f"account {account} has no {trouble.missing}",
            f"add it under [accounts.{account}] in dialer.toml, or as {variable}",
        )
    url = settings.accounts[account].url
    if trouble.refused:
        return CannotLogIn(f"{url} refuses account {account}: {trouble.why}", "correct its key, or ask the provider")
    return CannotLogIn(
        f"{url} cannot be used for account {account}: {trouble.why}",
        "see that the address is right and the provider is up, then start again",
    )
