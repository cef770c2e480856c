"""Calls in provider-neutral terms: the request for a call, its progress and outcome, and receipts about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from dialer.phone import PhoneNumber
from dialer.scripts import Script

if TYPE_CHECKING:
    from dialer.call_kinds import CallKind  # its models take time to build, and whoever reads outcomes needs none


class Progress(StrEnum):
    """How far a call session has come. A refused call goes from placed or ringing to ended."""

    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    MACHINE = "machine"  # answered by an answering machine, as the provider detected
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"  # declined by the person called
    INVALID_NUMBER = "invalid_number"
    EXPIRED = "expired"  # the provider let the request expire before it placed the call
    FAILED = "failed"  # the network did not deliver it
    UNKNOWN = "unknown"  # it ended, and nothing says how


REACHED = frozenset({Outcome.ANSWERED, Outcome.MACHINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One call to place: the number to call, the caller ID, and what is said.

    correlation_id   our id of the attempt; the provider sends it back
    ring_timeout     seconds to ring
    dtmf             keys sent to the person called: digits, `*`, `#`, and `.` for a pause of one second
    direction        how the provider's reports count the call
    notify_url       where the provider sends receipts
    priority         its place in the provider's queue, where that has one: 1 low, 2 medium, 3 high
    callback_data    what the provider sends back with each receipt
    send_at          the provider places the call at this moment (aware); None: at once
    kind             with whom the person called is connected; None: the call ends after the script
    """

    correlation_id: UUID
    to: PhoneNumber
    caller_id: PhoneNumber
    script: Script
    ring_timeout: int = 30
    dtmf: str | None = None
    direction: Literal["in", "out"] = "in"
    notify_url: str | None = field(default=None, repr=False)
    priority: int | None = None
    callback_data: str | None = field(default=None, repr=False)
    send_at: datetime | None = None
    kind: CallKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A call in progress, as the provider lists it. `word` is the provider's name of its state; `progress` is None when
    that name says nothing about progress.
    """

    provider_call_id: str
    correlation_id: UUID | None
    progress: Progress | None
    word: str
    tags: tuple[str, ...] = ()  # what the provider's scenario has noted with the call


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One event about a call, sent by the provider after the call was placed.

    `word` is the provider's name of the event, `code` its number. An unknown event has neither progress nor outcome: it
    is stored and changes nothing. An end has the outcome that it proves if it is the only receipt that ever comes:
    UNKNOWN if it proves none, None if only that the person called hung up, answered or not. `occurred_at` is aware.
    `pressed` are the keys that the person called pressed, or the tags that a scenario of the provider set for them.
    """

    event_id: str
    provider_call_id: str | None
    correlation_id: UUID | None
    word: str
    code: str | None
    progress: Progress | None
    outcome: Outcome | None
    occurred_at: datetime | None
    pressed: tuple[str, ...] = ()
