"""Before a campaign starts: can its account log in? Better to hear it from us now than from the ledger later."""

from __future__ import annotations

from dialer.errors import DialerError
from dialer.verdicts import Verdict
from workers.settings import Settings
from workers.wiring import open_accounts


class CannotLogIn(DialerError):
    """The provider cannot be reached, or refuses the account; nothing was started."""


def check_login(account: str, settings: Settings) -> None:
    """Ask the provider, placing nothing. Raises CannotLogIn."""
    one = settings.accounts[account]
    if one.credentials_missing:
        variable = f"DIALER_ACCOUNTS__{account}__{one.credentials_missing.partition(',')[0]}".upper()
        raise CannotLogIn(
            f"account {account} has no {one.credentials_missing}",
            f"add it under [accounts.{account}] in dialer.toml, or as {variable}",
        )
    with open_accounts(settings.model_copy(update={"accounts": {account: one}})) as accounts:
        ruling = accounts[account].check()
    words = ruling.mnemonic or ruling.detail or ruling.verdict.value
    if ruling.verdict is Verdict.HALT_ACCOUNT:
        raise CannotLogIn(f"{one.url} refuses account {account}: {words}", "correct its key, or ask the provider")
    if ruling.verdict in {Verdict.NOT_PLACED, Verdict.UNCONFIRMED}:
        raise CannotLogIn(
            f"{one.url} cannot be used for account {account}: {words}",
            "see that the address is right and the provider is up, then start again",
        )
