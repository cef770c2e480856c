"""Verdicts: what a provider's answer means for the attempt, the contact, the campaign and the account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What to do after a provider's answer, or after none."""

    PLACED = "placed"  # the provider accepted the call
    THROTTLED = "throttled"  # a limit is used up: wait, the attempt does not count
    LOGIN_AGAIN = "login_again"  # the session key has expired: log in again and repeat the request once
    NOT_PLACED = "not_placed"  # certainly no call: retry with backoff
    NOT_SENT = "not_sent"  # this process held the request back: the attempt does not count
    REFUSE_CONTACT = "refuse_contact"  # never call this contact
    SUPPRESS = "suppress"  # never call this number: put it on the suppression list too
    HALT_CAMPAIGN = "halt_campaign"  # every contact of the campaign would fail the same way
    HALT_ACCOUNT = "halt_account"  # no campaign of the account can call
    UNCONFIRMED = "unconfirmed"  # the call may be ringing: find out, never dial again


OUR_FAULT = "fault"
"""Beside NOT_SENT: the dialer itself raised an error, so that no request could be made."""

FIXED_VERDICTS = frozenset({Verdict.PLACED, Verdict.UNCONFIRMED, Verdict.NOT_SENT, Verdict.LOGIN_AGAIN})
"""Verdicts that no campaign may change: a call that was or may have been placed, a request not sent, a login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The provider's own figures for the limits of our account: points, and seconds until each reset.

    Any of them may be None.
    """

    minute_limit: int | None = None
    minute_remaining: int | None = None
    minute_reset: float | None = None
    day_limit: int | None = None
    day_remaining: int | None = None
    day_reset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A verdict with the facts behind it.

    mnemonic, code   the provider's name and number of the error, unchanged
    detail           the provider's text, or ours
    field            the parameter of the request that the provider objects to
    blames_script    whether that parameter is the text or the recording
    retry_after      seconds to wait
    charged          whether the provider took points; None: it does not say

    UNCONFIRMED with a mnemonic: the provider reported a failure, but its list of calls may still show the call. With a
    code only: an answer came, and it does not say whether the call was placed. With neither: none is known.
    """

    verdict: Verdict
    provider_call_id: str | None = None
    mnemonic: str | None = None
    code: str | None = None
    detail: str = ""
    field: str | None = None
    blames_script: bool = False
    retry_after: float | None = None
    meter: Meter | None = None
    charged: bool | None = None

    @property
    def why(self) -> str:
        """For people: the provider's word or ours, and what it means."""
        word = self.mnemonic or self.code or self.verdict.value
        return f"{word}: {self.detail}" if self.detail else word
