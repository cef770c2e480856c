"""What a provider's answer means for the attempt, the contact, the campaign and the account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """One word for what may be done next."""

    PLACED = "placed"
    THROTTLED = "throttled"
    LOGIN_AGAIN = "login_again"
    NOT_PLACED = "not_placed"
    NOT_SENT = "not_sent"  # we held it back ourselves: nothing left
    REFUSE_CONTACT = "refuse_contact"
    SUPPRESS = "suppress"
    HALT_CAMPAIGN = "halt_campaign"
    HALT_ACCOUNT = "halt_account"
    UNCONFIRMED = "unconfirmed"


FIXED_VERDICTS = frozenset({Verdict.PLACED, Verdict.UNCONFIRMED, Verdict.NOT_SENT, Verdict.LOGIN_AGAIN})
"""What no campaign may overrule: a call that is or may be there, a request that never left, a key that is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The provider's own figures for our account, where it gives them: points, and seconds until each reset.

    Source: CallGear Call API v4.0, "Meta parameters". Any member may be missing.
    """

    minute_limit: int | None = None
    minute_remaining: int | None = None
    minute_reset: float | None = None
    day_limit: int | None = None
    day_remaining: int | None = None
    day_reset: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A verdict with the facts behind it; `mnemonic` and `code` are the provider's words, kept as they came.

    `field` names the request's parameter that the provider blames, `blames_script` says that it is what would be
    said or played; `retry_after` is in seconds.
    `charged` says whether the provider took points for it (None: it does not say).
    UNCONFIRMED with a mnemonic is the provider's own word that the call failed, which its list of calls may yet belie;
    without one, nobody has said anything.
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
