"""What goes back to a client, as a value: a status and JSON, now or late, or nothing and a cut connection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialer.sandbox.numbers import ReservedBehaviour


class Manner(StrEnum):
    """How a reply is given."""

    PROMPT = "prompt"
    LATE = "late"
    CUT = "cut"


MANNERS = {
    ReservedBehaviour.CUT_AFTER: Manner.CUT,
    ReservedBehaviour.CUT_BEFORE: Manner.CUT,
    ReservedBehaviour.LATE: Manner.LATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply. `method` and `result` are for the count of requests; a `body` of None sends no bytes at all."""

    method: str
    result: str
    status: int = 200
    body: object = None
    manner: Manner = Manner.PROMPT


class Breakdown(Exception):
    """The vendor's service itself fails: an HTTP status with no body, or a connection cut before anything was done."""

    def __init__(self, status: int, manner: Manner = Manner.PROMPT) -> None:
        super().__init__(status)
        self.status = status
        self.manner = manner

    def reply(self, method: str) -> Reply:
        """What the client sees of it."""
        result = self.manner.value if self.manner is Manner.CUT else str(self.status)
        return Reply(method=method, result=result, status=self.status, manner=self.manner)


def manner_for(behaviour: ReservedBehaviour) -> Manner:
    """How the reply to a placed call is given."""
    return MANNERS.get(behaviour, Manner.PROMPT)


def break_down(behaviour: ReservedBehaviour) -> None:
    """Raise Breakdown where the behaviour is that the service fails before it places anything."""
    if behaviour is ReservedBehaviour.UNAVAILABLE:
        raise Breakdown(503)
    if behaviour is ReservedBehaviour.CUT_BEFORE:
        raise Breakdown(0, Manner.CUT)
