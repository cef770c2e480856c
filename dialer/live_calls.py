"""Lists and manages an account's calls in progress, whichever its provider."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import uuid4

from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, Urgency
from dialer.errors import DialerError, NotPlaced, ProviderError
from dialer.providers.call_management import CallManagement, CallManager, LegState, LiveCall, Operation, TalkOption
from dialer.providers.registry import PROVIDERS
from dialer.scripts import Recording, Script, Speech
from dialer.transport.session import value_of
from dialer.verdicts import Ruling

__all__ = [
    "CallManager",
    "LegState",
    "LiveCall",
    "NotManaged",
    "TalkOption",
    "calls_at",
    "can_manage",
    "leg_state",
    "managing_providers",
    "remedy_for",
    "script_of",
    "was_blocked_before",
]

PATIENCE = 3.0  # seconds of waiting for a pace, where the provider counts requests of any kind


class NotManaged(DialerError):
    """The account's provider has no words for managing calls in progress."""


def calls_at(account: Account) -> CallManager:
    """The provider's methods, sent through the account's own session. Their points are granted before those of calls.

    Raises NotManaged where the provider has no such methods. We hold none of the requests back, whatever is left by our
    books or if Redis is away: they start no call, a refusal costs nothing, and the provider holds its own limit.
    """
    management = _management(account)
    if management is None:
        message = f"account {account.name}: {account.settings.provider} cannot manage calls in progress"
        raise NotManaged(message, f"name a {managing_providers()} account with --account")
    return management.live_calls(_Requests(account).carry)


class _Requests:
    """Carries out operations through the account's session, and counts their points."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def carry(self, operation: Operation) -> Any:
        grant_id = f"live:{uuid4()}"
        taken = self._take(grant_id)
        heard = self._account.loop.call(self._account.session.send, operation)
        if taken:
            self._settle(grant_id, heard.ruling)
        return value_of(self._account.provider.name, heard)

    def _take(self, grant_id: str) -> bool:
        """Count the request's point; False if Redis does not answer, or no pace is free soon: it goes uncounted."""
        try:
            return self._account.bucket.take(
                grant_id, patience=PATIENCE, points=1, call=False, urgency=Urgency.URGENT
            ).granted
        except BucketUnavailable:
            return False

    def _settle(self, grant_id: str, ruling: Ruling) -> None:
        with suppress(BucketUnavailable):  # the lease frees the points
            self._account.bucket.settle_all([GrantResult.from_ruling(grant_id, self._account.in_our_seconds(ruling))])


def can_manage(account: Account) -> bool:
    """Whether the account's provider lets its calls in progress be managed."""
    return _management(account) is not None


def managing_providers() -> str:
    """The providers whose calls in progress can be managed, by name."""
    return " or ".join(name for name, spec in PROVIDERS.items() if spec.management is not None)


NOT_REACHED = "see that the provider is reached from here (`dialer doctor`), and ask again"


def remedy_for(account: Account, error: ProviderError) -> str:
    """What can be done about an error of the account's provider; empty where nothing is known."""
    management = _management(account)
    word = error.ruling.mnemonic or error.ruling.verdict.value
    known = error.remedy or (management.remedies.get(word, "") if management else "")
    return known or (NOT_REACHED if isinstance(error, NotPlaced) else "")


def leg_state(account: Account, state: str) -> LegState | None:
    """What a participant's state, in the words of the account's provider, means; None where that is not known."""
    management = _management(account)
    return management.leg_state(state) if management else None


def script_of(text: str | None, media: str | None) -> Script | None:
    """The script of a text or of a recording; None where neither is given."""
    if text is None and media is None:
        return None
    return Recording(media_id=media) if media is not None else Speech(text=text or "")


def was_blocked_before(account: Account, error: ProviderError) -> bool:
    """Whether blocking failed only because the provider's blacklist has the contact already."""
    management = _management(account)
    return management is not None and error.ruling.mnemonic == management.already_blocked


def _management(account: Account) -> CallManagement | None:
    return PROVIDERS[account.settings.provider].management
