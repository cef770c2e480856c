"""A check before a campaign starts: whether its account can log in."""

from __future__ import annotations

from dialer.errors import DialerError
from dialer.verdicts import Verdict
from workers.settings import Settings
from workers.wiring import open_accounts


class CannotLogIn(DialerError):
    """The provider cannot be reached or refuses the account; no campaign was started."""


def check_login(account: str, settings: Settings) -> None:
    """Ask the provider, placing no call. Raises CannotLogIn."""
    account_settings = settings.accounts[account]
    if account_settings.credentials_missing:
        variable = f"DIALER_ACCOUNTS__{account}__{account_settings.credentials_missing.partition(',')[0]}".upper()
        raise CannotLogIn(
            f"account {account} has no {account_settings.credentials_missing}",
            f"add it under [accounts.{account}] in dialer.toml, or as {variable}",
        )
    with open_accounts(settings.model_copy(update={"accounts": {account: account_settings}})) as accounts:
        ruling = accounts[account].check()
    if ruling.verdict is Verdict.HALT_ACCOUNT:
        raise CannotLogIn(
            f"{account_settings.url} refuses account {account}: {ruling.why}", "correct its key, or ask the provider"
        )
    if ruling.verdict in {Verdict.NOT_PLACED, Verdict.UNCONFIRMED}:
        raise CannotLogIn(
            f"{account_settings.url} cannot be used for account {account}: {ruling.why}",
            "see that the address is right and the provider is up, then start again",
        )
