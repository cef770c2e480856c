"""Errors that say what may be done next.

DialerError
└── ProviderError            provider, ruling
    ├── NotPlaced            surely no call was placed: the same one may be tried again
    │   ├── Unreachable      no connection was made
    │   ├── TooLate          our own deadline passed before the bytes left
    │   └── Throttled        .ruling.retry_after
    ├── Refused              no call either, and asking again will not help
    └── Unconfirmed          it may be ringing now: wait for a receipt, never redial
"""

from __future__ import annotations

from dialer.verdicts import Ruling, Verdict


class DialerError(Exception):
    """Something a person can act on: the message says what is wrong, `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ProviderError(DialerError):
    """A provider did not do what it was asked."""

    verdict = Verdict.NOT_PLACED

    def __init__(self, provider: str, detail: str, ruling: Ruling | None = None, remedy: str = "") -> None:
        super().__init__(f"{provider}: {detail}", remedy)
        self.provider = provider
        self.ruling = ruling or Ruling(verdict=self.verdict, detail=detail)


class NotPlaced(ProviderError):
    """Surely no call was placed: the same one may be tried again."""


class Unreachable(NotPlaced):
    """No connection was made, so nothing was sent."""


class TooLate(NotPlaced):
    """The attempt's deadline passed before its request left: a sweep may own it by now, and a pause has been asked."""

    verdict = Verdict.NOT_SENT


class Throttled(NotPlaced):
    """The provider's limit is used up; `ruling.retry_after` is in seconds."""

    verdict = Verdict.THROTTLED


class Refused(ProviderError):
    """No call, and asking again will not help."""

    verdict = Verdict.REFUSE_CONTACT


class Unconfirmed(ProviderError):
    """The request may have been received: the call may be ringing now. Never dial again because of this."""

    verdict = Verdict.UNCONFIRMED


def error_for(provider: str, ruling: Ruling) -> ProviderError:
    """The error that a library user should see for a ruling that is not `placed`."""
    kinds: dict[Verdict, type[ProviderError]] = {
        Verdict.THROTTLED: Throttled,
        Verdict.UNCONFIRMED: Unconfirmed,
        Verdict.NOT_PLACED: NotPlaced,
        Verdict.NOT_SENT: TooLate,
    }
    kind = kinds.get(ruling.verdict, Refused)
    return kind(provider, ruling.detail or ruling.mnemonic or ruling.verdict.value, ruling)
