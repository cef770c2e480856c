"""Managing calls in progress: what a provider offers that can do more with a call than place it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from dialer.scripts import Script


class LegState(StrEnum):
    """What a participant of a call does, as people are told."""

    QUEUED = "waits in line"
    RINGING = "rings"
    TALKING = "talking"
    OPERATORS_TALKING = "operators are talking"
    ON_HOLD = "on hold"
    TRANSFERRED = "is being transferred"
    SENDING_KEYS = "keys are being sent"
    RECEIVING_FAX = "a fax is being received"
    FAX_RECEIVED = "a fax was received"
    SENDING_FAX = "a fax is being sent"
    FAX_SENT = "a fax was sent"
    OVER = "has hung up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag on a call."""

    tag_id: int | None
    tag_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One participant of a call. `state` is a sentence for people, in the account's language."""

    leg_id: int | None
    calling_phone_number: str | None = field(repr=False)
    called_phone_number: str | None = field(repr=False)
    is_operator: bool | None
    employee_id: int | None
    employee_full_name: str | None
    record_call_enabled: bool | None
    state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call in progress. `start_time` is as it came, in a time zone that the provider need not name."""

    call_session_id: int
    direction: str | None
    start_time: str | None
    virtual_phone_number: str | None
    contact_phone_number: str | None = field(repr=False)
    external_id: str | None
    tags: tuple[Tag, ...]
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkOption:
    """What a key does during a talk; `value_id` and `value` name the tag, scenario, … where the option has one."""

    button: str | None
    mnemonic: str | None
    name: str | None
    value_id: int | None = None
    value: str | None = None


class CallManager(Protocol):
    """Manages the calls in progress of one account. Each method may raise a ProviderError."""

    def list_calls(self) -> Iterable[LiveCall]: ...
    def list_talk_options(self) -> Iterable[TalkOption]: ...
    def call_talk_option(self, call_session_id: int, button: str) -> object: ...
    def hold_call(self, call_session_id: int, contact_message: Script) -> object: ...
    def unhold_call(self, call_session_id: int) -> object: ...
    def make_call(self, call_session_id: int, to: str, to_message: Script | None = None) -> object: ...
    def transfer_talk(self, call_session_id: int) -> object: ...
    def restore_talk(self, call_session_id: int) -> object: ...
    def tag_call(self, call_session_id: int, tag_id: int) -> object: ...
    def record_call(self, call_session_id: int, action: Any) -> object: ...
    def add_coach(self, call_session_id: int, phone_number: str | None = None) -> object: ...
    def send_dtmf(self, call_session_id: int, dtmf_string: str) -> object: ...
    def block_contact(self, call_session_id: int) -> object: ...
    def disconnect_leg(self, call_session_id: int, leg_id: int) -> object: ...
    def release_call(self, call_session_id: int) -> object: ...


class Operation(Protocol):
    """A request of one of a provider's own methods."""

    @property
    def needs_key(self) -> bool: ...  # whether a session key has to be added


@dataclass(frozen=True, slots=True, kw_only=True)
class CallManagement:
    """How a provider's calls in progress are managed.

    `live_calls` makes the account's CallManager, given a function that carries out an operation. `remedies` say what
    can be done about an error, by its mnemonic; `already_blocked` is the mnemonic for a contact that was on its
    blacklist before. `leg_state` tells what a participant's state means; None where that is not known.
    """

    live_calls: Callable[[Callable[[Any], Any]], CallManager]
    remedies: Mapping[str, str]
    already_blocked: str
    leg_state: Callable[[str], LegState | None]
