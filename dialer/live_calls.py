"""Calls in progress at an account, for those above who know no provider's words: listed, and managed one by one."""

from __future__ import annotations

from typing import TypeVar

from dialer.account import Account
from dialer.calls import Recording, Script, Speech
from dialer.errors import DialerError, ProviderError
from dialer.providers.callgear.client import Face, answered, carried
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.provider import CallGear
from dialer.providers.callgear.replies import LiveCall, TalkOption

__all__ = ["LiveCall", "LiveCalls", "NotManaged", "TalkOption", "can_manage", "said", "was_known"]

T = TypeVar("T")


class NotManaged(DialerError):
    """The account's provider has no words for managing calls in progress."""


class LiveCalls(Face):
    """Every method of the provider's, through the account's own session."""

    def __init__(self, account: Account) -> None:
        if not can_manage(account):
            said = f"account {account.name}: {account.settings.provider} cannot manage calls in progress"
            raise NotManaged(said, "name a callgear account with --account")
        self._account = account

    def ask(self, operation: Operation[T]) -> T:
        return answered(self._account.loop.call(carried, self._account.session, operation))


def can_manage(account: Account) -> bool:
    """Whether the account's provider lets its calls in progress be managed."""
    return isinstance(account.provider, CallGear)


def said(text: str | None, media: str | None) -> Script | None:
    """What is to be heard: a text or a recording; None for neither."""
    if text is None and media is None:
        return None
    return Recording(media_id=media) if media is not None else Speech(text=text or "")


def was_known(error: ProviderError) -> bool:
    """Whether blocking failed only because the provider's blacklist has the contact already."""
    return error.ruling.mnemonic == "duplicate_contact"
