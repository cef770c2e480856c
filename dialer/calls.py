"""What a call is to us, before any provider's words: what we ask for, what we see of it, how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from dialer.call_kinds import CallKind
from dialer.phone import PhoneNumber
from dialer.scripts import Script


class Progress(StrEnum):
    """Where a call session is."""

    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


REACHED = frozenset({Outcome.ANSWERED, Outcome.MACHINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """One call to place: to whom, from which number, saying what.

    `ring_timeout` is in seconds; `send_at` hands the waiting until then to the provider. `dtmf` is sent to the callee:
    digits, `*`, `#`, and `.` for a second's pause. `kind` says whom the callee is connected with; None for nobody:
    the script is said, and the call ends.
    """

    correlation_id: UUID
    to: PhoneNumber
    caller_id: PhoneNumber
    script: Script
    ring_timeout: int = 30
    dtmf: str | None = None
    direction: Literal["in", "out"] = "in"
    notify_url: str | None = field(default=None, repr=False)
    priority: Literal[1, 2, 3] | None = None
    send_at: datetime | None = None
    kind: CallKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A call session seen alive at the provider; `progress` is None where its word says nothing to us."""

    provider_call_id: str
    correlation_id: UUID | None
    progress: Progress | None
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One thing a provider told us about a call after we placed it.

    `word` is the provider's own name for the event and `code` its number; an event that no table knows has
    progress and outcome None: it is kept and moves nothing.
    """

    event_id: str
    provider_call_id: str | None
    correlation_id: UUID | None
    word: str
    code: str | None
    progress: Progress | None
    outcome: Outcome | None
    occurred_at: datetime | None
