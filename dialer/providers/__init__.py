"""Providers: telephony vendors as our code sees them, by the name that settings give them."""

from __future__ import annotations

from collections.abc import Callable

from dialer.account_settings import AccountSettings
from dialer.providers.callgear.notifications import EVENTS, template
from dialer.providers.callgear.provider import CallGear
from dialer.providers.provider import Provider
from dialer.providers.webex.provider import Webex

# CallGear's notification templates: the event of the client area, and what to paste there.
NOTIFICATION_TEMPLATES = {event: (title, template(event)) for event, (title, _) in EVENTS.items()}

PROVIDERS: dict[str, Callable[[AccountSettings], Provider]] = {
    "callgear": CallGear,
    "imiconnect": Webex,
    "webex": Webex,
}


def provider_for(account: AccountSettings) -> Provider:
    """The provider of an account. It holds the account's session token: one per account and process."""
    return PROVIDERS[account.provider](account)
