"""A call's conversation: its participants, and the moves of the vendor's diagram of call states.

Source: Call API v4.0, "Call state diagram". A is the contact, B our side, C whoever `make.call` brings in. After
`hold.call` the vendor waits for input at once, so HOLD stands for its WAITING_INPUT too. Informer calls are not drawn
there; the document lets their contacts be held, so a heard message counts as TALK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dialer.sandbox.course import Course

LONGEST_HOLD = 3600.0


class State(StrEnum):
    """Where a conversation is."""

    RINGING = "ringing"
    TALK = "talk"
    HOLD = "hold"
    DIALING = "dialing"  # C's telephone rings
    OPERATOR_TALK = "operator_talk"  # B and C talk
    TRANSFERRING = "transferring"  # C's telephone rings, and B has left
    FINISHED = "finished"


MOVES: Mapping[str, frozenset[State]] = {
    "hold.call": frozenset({State.TALK}),
    "unhold.call": frozenset({State.HOLD}),
    "make.call": frozenset({State.HOLD}),
    "restore.talk": frozenset({State.DIALING, State.OPERATOR_TALK}),
    "transfer.talk": frozenset({State.DIALING, State.OPERATOR_TALK}),
    "add.coach": frozenset({State.TALK}),
    "tag.call": frozenset({State.TALK}),
    "record.call": frozenset({State.TALK}),
    "call.talk_option": frozenset({State.TALK}),
}
"""The states in which the diagram lets a method be called; a method that is not here may be called in any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One participant."""

    leg_id: int
    calling: str
    called: str
    is_operator: bool
    employee_id: int | None = None
    employee_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """C: when they answer, or (None) when their telephone stops ringing."""

    leg: Leg
    answers: float | None
    stops: float


@dataclass(slots=True, kw_only=True)
class Conversation:
    """The vendor's side of one call, beside its course. Moves return the course as it is from then on."""

    direction: str
    contact: Leg
    ours: Leg | None = None
    second: Second | None = None
    coach: Leg | None = None
    held: bool = False
    transferring: bool = False
    left: float = 0.0
    tags: list[int] = field(default_factory=list)
    tag_of_key: int | None = None  # set by the scenario when the key is pressed
    recording: bool = False
    times_shown: int = 0  # lists that showed it talking

    def state(self, course: Course, now: float) -> State:
        """Where it is at this moment, after all that happened by itself."""
        self._settle(now)
        if course.ended <= now:
            return State.FINISHED
        if course.answered is None or course.answered > now:
            return State.RINGING
        if self.second is None:
            return State.HOLD if self.held else State.TALK
        if self.transferring:
            return State.TRANSFERRING
        answered = self.second.answers is not None and self.second.answers <= now
        return State.OPERATOR_TALK if answered else State.DIALING

    def tags_at(self, course: Course, now: float) -> list[int]:
        """The tags that it has at this moment."""
        pressed = course.key_pressed is not None and course.key_pressed <= now
        return [*self.tags, self.tag_of_key] if pressed and self.tag_of_key is not None else list(self.tags)

    @property
    def legs(self) -> list[Leg]:
        """Who takes part."""
        second = self.second.leg if self.second else None
        return [leg for leg in (self.contact, self.ours, second, self.coach) if leg]

    def hold(self, course: Course, now: float) -> Course:
        """The contact waits; what is left of the talk comes afterwards."""
        self.held, self.left = True, course.ended - now
        return replace(course, ended=now + LONGEST_HOLD)

    def resume(self, course: Course, now: float) -> Course:
        """A and B talk again."""
        self.held, self.second = False, None
        return replace(course, ended=now + self.left)

    def transfer(self, course: Course, now: float) -> Course:
        """B leaves: A talks with C as soon as C is there; when C never is, the call ends."""
        second = self.second
        if second is None:
            return course
        self.transferring = True
        if second.answers is None:
            return replace(course, ended=second.stops)
        self._settle(now)
        return replace(course, ended=max(now, second.answers) + self.left)

    def _settle(self, now: float) -> None:
        second = self.second
        if second is None:
            return
        if second.answers is None and second.stops <= now and not self.transferring:
            self.second = None  # back to HOLD
        elif self.transferring and second.answers is not None and second.answers <= now:
            self.ours, self.second, self.held, self.transferring = second.leg, None, False, False
