"""The errors of this package. Each class says what the caller may do next.

DialerError
└── ProviderError            provider, ruling
    ├── NotPlaced            certainly no call was placed: the same one may be tried again
    │   ├── Unreachable      no connection was made
    │   ├── TooLate          our own deadline passed before the request was sent
    │   └── Throttled        the provider's limit is used up: wait `ruling.retry_after` seconds
    ├── Refused              no call was placed, and trying again will not help
    └── Unconfirmed          the call may be ringing now: wait for a receipt, never redial
"""

from __future__ import annotations

from dialer.verdicts import Ruling, Verdict


class DialerError(Exception):
    """An error for people: `message` says what is wrong, `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ProviderError(DialerError):
    """A provider did not do what was requested; `ruling` has the verdict and the provider's own words."""

    verdict = Verdict.NOT_PLACED

    def __init__(self, provider: str, detail: str, ruling: Ruling | None = None, remedy: str = "") -> None:
        super().__init__(f"{provider}: {detail}", remedy)
        self.provider = provider
        self.ruling = ruling or Ruling(verdict=self.verdict, detail=detail)


class NotPlaced(ProviderError):
    """Certainly no call was placed: the same one may be tried again."""


class Unreachable(NotPlaced):
    """No connection was made, so nothing was sent."""


class TooLate(NotPlaced):
    """The attempt's deadline passed before its request was sent. A sweep may have settled the attempt by now."""

    verdict = Verdict.NOT_SENT


class Throttled(NotPlaced):
    """The provider's limit is used up; `ruling.retry_after` is in seconds."""

    verdict = Verdict.THROTTLED


class Refused(ProviderError):
    """No call was placed, and trying again will not help."""

    verdict = Verdict.REFUSE_CONTACT


class Unconfirmed(ProviderError):
    """The request may have been received: the call may be ringing now. Never dial again because of this."""

    verdict = Verdict.UNCONFIRMED


def error_for(provider: str, ruling: Ruling) -> ProviderError:
    """The error to raise for a ruling that is not `placed`; Refused for every verdict without a class of its own."""
    error_types: dict[Verdict, type[ProviderError]] = {
        Verdict.THROTTLED: Throttled,
        Verdict.UNCONFIRMED: Unconfirmed,
        Verdict.NOT_PLACED: NotPlaced,
        Verdict.NOT_SENT: TooLate,
    }
    error_type = error_types.get(ruling.verdict, Refused)
    return error_type(provider, ruling.detail or ruling.mnemonic or ruling.verdict.value, ruling)
