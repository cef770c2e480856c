"""Providers: telephony vendors as our code sees them, by the name that settings give them."""

from __future__ import annotations

from collections.abc import Callable

from dialer.accounts import AccountSettings
from dialer.providers.callgear.provider import CallGear
from dialer.providers.provider import Provider
from dialer.providers.webex.provider import Webex

PROVIDERS: dict[str, Callable[[AccountSettings], Provider]] = {
    "callgear": CallGear,
    "imiconnect": Webex,
    "webex": Webex,
}


def provider_for(account: AccountSettings) -> Provider:
    """The provider of an account. It holds the account's session token: one per account and process."""
    return PROVIDERS[account.provider](account)
