"""The course of a call: its times and its end, all decided when it is placed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from dialer.sandbox.numbers import KEYS, ReservedBehaviour

RING_SECONDS = (2.0, 6.0)
BUSY_SECONDS = (1.0, 2.0)
CHARACTERS_PER_SECOND = 14.0
SHORTEST_SPEECH_SECONDS = 2.0
MEDIA_SECONDS = 8.0
HEARD_BEFORE_HANGING_UP = (0.2, 0.6)
HEARD_BEFORE_PRESSING = 0.5


class Outcome(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"


UNREACHED = {
    ReservedBehaviour.REJECTED: Outcome.REJECTED,
    ReservedBehaviour.DECLINED: Outcome.REJECTED,
    ReservedBehaviour.FAILS: Outcome.FAILED,
    ReservedBehaviour.EXPIRES: Outcome.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """When a call was placed, answered and ended, in sandbox seconds, and how; `hung_up`: before the message's end.

    `key` is pressed in the middle of the talk, if any is.
    """

    placed: float
    answered: float | None
    ended: float
    outcome: Outcome
    hung_up: bool = False
    key: str | None = None

    @property
    def key_pressed(self) -> float | None:
        """When the key is pressed; None where none is."""
        if self.key is None or self.answered is None:
            return None
        return self.answered + HEARD_BEFORE_PRESSING * self.seconds_talked

    @property
    def seconds_talked(self) -> float:
        """How long the callee listened."""
        return 0.0 if self.answered is None else self.ended - self.answered

    def cut_short(self, now: float) -> Course:
        """The same call, ended by the caller at this moment."""
        if self.answered is not None and self.answered <= now:
            return replace(self, ended=now)
        return replace(self, answered=None, ended=now, outcome=Outcome.NO_ANSWER)


def message_seconds(text_length: int | None) -> float:
    """How long a message takes to hear: a text of so many characters, or (None) a media file."""
    if text_length is None:
        return MEDIA_SECONDS
    return max(SHORTEST_SPEECH_SECONDS, text_length / CHARACTERS_PER_SECOND)


def plan(behaviour: ReservedBehaviour, *, placed: float, message: float, ring_timeout: float, rng: Random) -> Course:
    """Decide a call's course; `message` and `ring_timeout` are in seconds."""
    ringing = rng.uniform(*RING_SECONDS)
    if behaviour is ReservedBehaviour.BUSY:
        return _unanswered(placed, rng.uniform(*BUSY_SECONDS), Outcome.BUSY)
    if behaviour is ReservedBehaviour.NO_ANSWER or ringing >= ring_timeout:
        return _unanswered(placed, ring_timeout, Outcome.NO_ANSWER)
    if behaviour in UNREACHED:
        return _unanswered(placed, ringing, UNREACHED[behaviour])
    hung_up = behaviour is ReservedBehaviour.HANGS_UP
    heard = message * rng.uniform(*HEARD_BEFORE_HANGING_UP) if hung_up else message
    answered = placed + ringing
    ended, key = answered + heard, KEYS.get(behaviour)
    return Course(placed=placed, answered=answered, ended=ended, outcome=Outcome.ANSWERED, hung_up=hung_up, key=key)


def _unanswered(placed: float, seconds: float, outcome: Outcome) -> Course:
    return Course(placed=placed, answered=None, ended=placed + seconds, outcome=outcome)
