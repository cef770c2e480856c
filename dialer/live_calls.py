"""Calls in progress at an account, for those above who know no provider's words: listed, and managed one by one."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

from dialer.account import Account
from dialer.bucket import BucketUnavailable, GrantResult, Urgency
from dialer.clients.callgear import Face, answered, carried
from dialer.errors import DialerError, ProviderError
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.provider import CallGear
from dialer.providers.callgear.replies import LiveCall, TalkOption
from dialer.scripts import Recording, Script, Speech
from dialer.verdicts import Ruling

__all__ = ["LiveCall", "LiveCalls", "NoPoints", "NotManaged", "TalkOption", "can_manage", "said", "was_known"]

T = TypeVar("T")
PATIENCE = 3.0


class NotManaged(DialerError):
    """The account's provider has no words for managing calls in progress."""


class NoPoints(DialerError):
    """A limit of the account leaves no room for the request now."""


class LiveCalls(Face):
    """Every method of the provider's, through the account's own session, its points taken ahead of all that waits.

    Raises NoPoints, naming the limit, when even what is urgent would have to wait for longer than `PATIENCE` seconds.
    Without Redis the requests go on, for they start no call: the provider's own limit stands.
    """

    def __init__(self, account: Account) -> None:
        if not can_manage(account):
            said = f"account {account.name}: {account.settings.provider} cannot manage calls in progress"
            raise NotManaged(said, "name a callgear account with --account")
        self._account = account

    def ask(self, operation: Operation[T]) -> T:
        token = f"live:{uuid4()}"
        taken = self._take(token)
        heard = self._account.loop.call(carried, self._account.session, operation)
        if taken:
            self._settle(token, heard.ruling)
        return answered(heard)

    def _take(self, token: str) -> bool:
        """False when nobody counts."""
        try:
            answer = self._account.bucket.take(token, patience=PATIENCE, call=False, urgency=Urgency.URGENT)
        except BucketUnavailable:
            return False
        if not answer.granted:
            said = f"account {self._account.name}: {answer.limit} leave no room for another {answer.wait:.0f} s"
            raise NoPoints(said, "try again then; see who uses them: dialer accounts --watch")
        return True

    def _settle(self, token: str, ruling: Ruling) -> None:
        with suppress(BucketUnavailable):  # the lease frees the points
            self._account.bucket.settle_all([GrantResult.from_ruling(token, self._account.in_our_seconds(ruling))])


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
