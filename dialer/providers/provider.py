"""What every provider does for us, in our words. Four verbs: place a call, find calls, read a receipt, log in.

A provider is sans-IO: it builds requests and reads replies, and `dialer.transport.session` carries them, sync or async.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from pydantic import SecretStr

from dialer.calls import CallRequest, ListedCall, Outcome, Progress, Receipt
from dialer.http import HttpReply, HttpRequest
from dialer.scripts import Script
from dialer.verdicts import Ruling

T = TypeVar("T")


class Follows(StrEnum):
    """How the outcome of a call is learnt."""

    LISTING = "listing"  # by looking at the list of calls in progress
    RECEIPTS = "receipts"  # by what the provider sends us


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One look at all calls in progress.

    `usable` is False when the provider did not show the list (`ruling` tells why): a call's absence then means nothing.
    """

    ruling: Ruling
    usable: bool
    seen: Sequence[ListedCall] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Generic[T]):
    """What a provider answered to a method of its own: a value, or None and a ruling that says why."""

    ruling: Ruling
    value: T | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStatus:
    """What the provider says of one call, in progress or over; `progress` is None where it does not know."""

    ruling: Ruling
    progress: Progress | None = None
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFault:
    """Why a script cannot be spoken by this provider; raised to the operator before launch."""

    code: str  # text_too_long | characters | voice | media
    reason: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One row of a provider's verdict table, for `dialer policy`."""

    mnemonic: str
    code: str
    verdict: str
    note: str = ""


class Provider(Protocol):
    """One account at one provider. Instances hold the session token, so one per account and process."""

    name: str
    follows: Follows
    cannot: frozenset[str]  # parts of a CallRequest that its API has no word for
    text_limit: int | None  # characters the provider speaks at most; None: it says so only when asked

    def check_script(self, script: Script) -> ScriptFault | None: ...

    # placing
    def placing(self, call: CallRequest) -> HttpRequest: ...
    def read_placing(self, reply: HttpReply) -> Ruling: ...

    # session token; `logging_in` is None when no login is needed at `now`
    def logging_in(self, now: datetime) -> HttpRequest | None: ...
    def read_login(self, reply: HttpReply) -> Ruling: ...
    def forget_login(self) -> bool: ...  # False when there is nothing to renew: the key itself was refused

    # finding: `looking` lists calls in progress (None where the provider has no such list);
    # `asking` asks for one call by its provider call id (None likewise)
    def looking(self) -> HttpRequest | None: ...
    def read_looking(self, reply: HttpReply) -> Listing: ...
    def asking(self, provider_call_id: str) -> HttpRequest | None: ...
    def read_asking(self, reply: HttpReply) -> CallStatus: ...

    # `tracing` asks for the call that was placed for an attempt (None where that cannot be asked); its ruling names it
    def tracing(self, attempt_id: UUID) -> HttpRequest | None: ...
    def read_tracing(self, reply: HttpReply) -> Ruling: ...

    # `checking`: the cheapest request that shows whether the account can log in, placing nothing
    def checking(self) -> HttpRequest: ...
    def read_checking(self, reply: HttpReply) -> Ruling: ...

    # receipts: never raises on bad bytes from outside; an unreadable body gives no receipts. `genuine` is False for a
    # delivery whose signature is not the one that the account was set up with
    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool: ...
    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]: ...

    def policy(self) -> Sequence[PolicyRow]: ...


@runtime_checkable
class LogsIn(Protocol):
    """A provider whose session key comes from a login, so that it can be shared, and given back."""

    def login(self) -> Login | None: ...  # the session key held; None where there is none, or it is a permanent key
    def adopt(self, login: Login, now: datetime) -> bool: ...  # use another process's; False for one that is no good
    def logging_out(self) -> HttpRequest: ...
    def forget_login(self) -> bool: ...


@runtime_checkable
class HasMethods(Protocol):
    """A provider whose API has methods beside the four verbs; each is an operation, built in its folder."""

    def request(self, operation: Any) -> HttpRequest: ...
    def read(self, operation: Any, reply: HttpReply) -> Heard[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session key. `renew_at` and `ends_at` are unix times; None where its end is not known."""

    token: SecretStr
    renew_at: float | None = None
    ends_at: float | None = None
