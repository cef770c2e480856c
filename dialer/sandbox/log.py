"""The sandbox's own log of placed calls, which tests compare with the ledger."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dialer.sandbox.clock import Clock
from dialer.sandbox.course import Course
from dialer.sandbox.numbers import ReservedBehaviour


@dataclass(slots=True, kw_only=True)
class PlacedCall:
    """One placed call; `request` holds what its vendor still needs of the request.

    `method` placed it, `actions` are the methods that were carried out on it, in order.
    """

    vendor: str
    account: str
    call_id: str
    correlation_id: str | None
    to: str
    caller: str
    script: str
    text_length: int | None
    course: Course
    request: Any = None
    released: bool = False
    receipts_sent: int = 0
    behaviour: ReservedBehaviour = ReservedBehaviour.ANSWERS
    method: str = ""
    actions: list[str] = field(default_factory=list)

    def as_json(self, clock: Clock) -> dict[str, object]:
        """The call as the log shows it now: what has not happened yet is null. Instants are real time."""
        now, course = clock.now(), self.course
        over = course.ended <= now
        answered = course.answered is not None and course.answered <= now
        return {
            "vendor": self.vendor,
            "account": self.account,
            "call_id": self.call_id,
            "correlation_id": self.correlation_id,
            "to": self.to,
            "from": self.caller,
            "script": self.script,
            "text_length": self.text_length,
            "placed_at": clock.wall(course.placed).isoformat(),
            "answered_at": clock.wall(course.answered).isoformat() if answered and course.answered else None,
            "ended_at": clock.wall(course.ended).isoformat() if over else None,
            "outcome": course.outcome.value if over else None,
            "seconds_talked": round(course.seconds_talked, 3) if over else None,
            "released": self.released,
            "receipts_sent": self.receipts_sent,
            "method": self.method,
            "actions": self.actions,
        }


@dataclass(slots=True)
class CallLog:
    """Every placed call in order, up to `size` of them, and which of them are live."""

    size: int
    _calls: dict[str, PlacedCall] = field(default_factory=dict)
    _live: dict[str, PlacedCall] = field(default_factory=dict)
    _ends: list[tuple[float, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[PlacedCall]:
        return iter(self._calls.values())

    def add(self, call: PlacedCall, now: float) -> None:
        """Remember a call; where there is no room, the oldest is forgotten."""
        self._forget_ended(now)
        self._calls[call.call_id] = self._live[call.call_id] = call
        heapq.heappush(self._ends, (call.course.ended, call.call_id))
        while len(self._calls) > self.size:
            del self._calls[next(iter(self._calls))]

    def find(self, call_id: str) -> PlacedCall | None:
        """A call by its vendor's id, live or ended."""
        return self._calls.get(call_id)

    def live(self, now: float) -> list[PlacedCall]:
        """The calls in progress, oldest first."""
        self._forget_ended(now)
        return list(self._live.values())

    def live_one(self, call_id: str, now: float) -> PlacedCall | None:
        """A call in progress by its vendor's id."""
        self._forget_ended(now)
        return self._live.get(call_id)

    def release(self, call: PlacedCall, now: float) -> None:
        """End a live call at this moment."""
        call.course = call.course.cut_short(now)
        call.released = True
        self._live.pop(call.call_id, None)

    def run(self, call: PlacedCall, course: Course) -> None:
        """Let a live call take another course from now on."""
        call.course = course
        if call.call_id in self._live:
            heapq.heappush(self._ends, (course.ended, call.call_id))

    def _forget_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            call_id = heapq.heappop(self._ends)[1]
            call = self._live.get(call_id)
            if call and call.course.ended <= now:  # its end may have moved on, and then stands there once more
                del self._live[call_id]
