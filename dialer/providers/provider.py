"""What every provider does for us, in our words: place a call, list and find calls, log in, read receipts.

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
    """What the provider says of one call, in progress or over; `progress` is None where it does not know.

    `correlation_id` is the one that the answer names, if it names any.
    """

    ruling: Ruling
    correlation_id: UUID | None = None
    progress: Progress | None = None
    outcome: Outcome | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    talk_seconds: float | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFault:
    """Why a script cannot be spoken by this provider; shown to the operator before launch."""

    code: str  # text_too_long | characters | voice | media
    reason: str
    suggestion: str = ""


ANY_OTHER = "any other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One row of a provider's verdict table, for `dialer policy`; `mnemonic` may be ANY_OTHER."""

    mnemonic: str
    code: str
    verdict: str
    note: str = ""


class Provider(Protocol):
    """One account at one provider. Instances hold the session key, so one per account and process.

    A method in -ing builds a request, and may raise a ProviderError where the provider's document does not allow it.
    Its `read_` method reads the reply, and never raises, whatever the reply.
    """

    name: str
    follows: Follows
    cannot: frozenset[str]  # parts of a CallRequest that its API has no word for
    text_limit: int | None  # characters the provider speaks at most; None: it says so only when asked

    def check_script(self, script: Script) -> ScriptFault | None:
        """Why the script cannot be spoken or played; None if nothing is wrong with it."""

    def placing(self, call: CallRequest) -> HttpRequest:
        """The request that places a call."""

    def read_placing(self, reply: HttpReply) -> Ruling:
        """Whether a call was placed; UNCONFIRMED where the reply does not say."""

    def logging_in(self, now: datetime) -> HttpRequest | None:
        """The request that gets a session key; None where none is needed at `now`."""

    def read_login(self, reply: HttpReply) -> Ruling:
        """Keep the session key; PLACED if there was one."""

    def forget_login(self) -> bool:
        """Drop a session key that was refused; False if there is nothing to renew: the permanent key was refused."""

    def looking(self) -> HttpRequest | None:
        """The request for the list of calls in progress; None where the provider has no such list."""

    def read_looking(self, reply: HttpReply) -> Listing:
        """The calls in progress."""

    def asking(self, provider_call_id: str) -> HttpRequest | None:
        """The request for the status of one call; None where the provider cannot be asked."""

    def read_asking(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        """The status of the call that was asked about; its `progress` is None where the provider does not know it.

        A reply that names another call does not know it.
        """

    def tracing(self, attempt_id: UUID) -> HttpRequest | None:
        """The request for the call that was placed for an attempt; None where the provider cannot be asked."""

    def read_tracing(self, reply: HttpReply, attempt_id: UUID) -> Ruling:
        """A ruling with the call's `provider_call_id`; None in it where there is no such call, or it is another's."""

    def checking(self) -> HttpRequest:
        """The cheapest request that shows whether the account can log in; it places no call."""

    def read_checking(self, reply: HttpReply) -> Ruling:
        """PLACED if the account can log in."""

    def genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """False for a delivery whose signature is not the one that the account was set up with."""

    def read_receipts(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Receipt]:
        """The receipts of a delivery; none where the body cannot be read."""

    def policy(self) -> Sequence[PolicyRow]:
        """The provider's verdict table."""


@runtime_checkable
class LogsIn(Protocol):
    """A provider whose session key comes from a login, so that it can be shared, and given back."""

    def login(self) -> Login | None:
        """The session key held; None where there is none, or it is a permanent key."""

    def adopt(self, login: Login, now: datetime) -> bool:
        """Use another process's session key; False for one that was refused or is about to end."""

    def logging_out(self) -> HttpRequest:
        """The request that ends the session key."""

    def forget_login(self) -> bool:
        """As `Provider.forget_login`."""


@runtime_checkable
class TagsCalls(Protocol):
    """A provider that notes with a call what people press in it, as tags, in these kinds of calls."""

    collects_keys: frozenset[str]

    def asking_tags(self, provider_call_id: str) -> HttpRequest | None:
        """The request for the tags of one call that is over; None where it cannot be asked."""

    def read_tags(self, reply: HttpReply, provider_call_id: str) -> CallStatus:
        """The tags of the call that was asked about; none where the reply does not tell."""


@runtime_checkable
class HasMethods(Protocol):
    """A provider whose API has methods beside those of the contract; each is an operation, built in its folder."""

    def request(self, operation: Any) -> HttpRequest:
        """The request of an operation. Raises ProviderError for one that is not allowed."""

    def read(self, operation: Any, reply: HttpReply) -> Heard[Any]:
        """The operation's value, or a ruling that says why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A session key. `renew_at` and `ends_at` are unix times; None where its end is not known."""

    token: SecretStr
    renew_at: float | None = None
    ends_at: float | None = None
