"""Traces: what was done for one attempt, over all processes, for whoever collects it. Off, unless a process begins.

The trace of an attempt has the attempt's id, and each span's id is made of it, so that spans of a worker, of the
console and of a sweep join although none of them knows of the others, and one that is told twice is one. Spans have ids
and words of ours alone: no number, no text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

Value = str | int | float | bool
Facts = dict[str, Value | None]


class Part(StrEnum):
    """The spans of an attempt. The first is the root, and is told when the attempt is over."""

    ATTEMPT = "attempt"
    CLAIM = "claim"  # from its claim until a worker has it in hand
    TOKEN = "token"  # noqa: S105  # its wait for a token
    REQUEST = "request"  # from the commit of its row until the answer is in hand
    ANSWER = "answer"  # the answer is written to the ledger
    RECEIPT = "receipt"  # from its arrival until it is applied
    OUTCOME = "outcome"  # from the end of the call until it is settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One part of an attempt. `parent_id` is None for the root."""

    trace_id: int
    span_id: int
    parent_id: int | None
    name: str
    start: datetime
    end: datetime
    attributes: dict[str, Value] = field(repr=False)


_deliver: Callable[[Span], object] | None = None


def begin(deliver: Callable[[Span], object] | None) -> None:
    """Hand every span of this process to `deliver` from now on; to nobody, for None."""
    global _deliver
    _deliver = deliver


def is_on() -> bool:
    """Whether anybody takes spans: who has to look something up for one asks first."""
    return _deliver is not None


def tell(
    attempt: UUID, part: Part, start: datetime, end: datetime, facts: Mapping[str, Value | None], *, which: str = ""
) -> None:
    """Tell of a part of an attempt; `which` parts several of the same name. Nothing happens while traces are off."""
    if _deliver is None:
        return
    root = _span_id(attempt, Part.ATTEMPT, "")
    named = {f"dialer.{name}": value for name, value in facts.items() if value is not None}
    span = Span(
        trace_id=attempt.int,
        span_id=_span_id(attempt, part, which),
        parent_id=None if part is Part.ATTEMPT else root,
        name=part.value,
        start=min(start, end),  # clocks of two machines differ
        end=end,
        attributes={"dialer.attempt": str(attempt), **named},
    )
    _deliver(span)


def _span_id(attempt: UUID, part: Part, which: str) -> int:
    digest = hashlib.sha256(f"{attempt} {part} {which}".encode()).digest()
    return int.from_bytes(digest[:8], "big") or 1
