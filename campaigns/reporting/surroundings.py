"""What decides whether calls are placed and stands in no ledger: the accounts' paces, Redis, beat and the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class TroubleKind(StrEnum):
    """What keeps the parts that dial from dialing, whatever the campaign."""

    NO_STACK = "no_stack"  # nothing runs on this data folder, and no Redis is configured
    REDIS_AWAY = "redis_away"  # it does not answer
    REDIS_REFUSES = "redis_refuses"  # it answers, and takes no writes: read-only, full, or not for us
    LEDGER_AWAY = "ledger_away"  # the workers cannot use it
    NO_BEAT = "no_beat"  # nobody sends ticks
    NO_WORKER = "no_worker"  # ticks are sent, and no worker answers
    WORKERS_HANG = "workers_hang"  # workers answer, and take no ticks: all their threads wait
    NO_CONSUMER = "no_consumer"  # workers take ticks, and none takes calls


@dataclass(frozen=True, slots=True)
class Trouble:
    """The first thing that keeps everything from dialing, in words."""

    kind: TroubleKind
    words: str


def no_trouble() -> Trouble | None:
    """What is known where nobody can be asked."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a page or a command knows beside the ledger. Each question is asked only when its answer decides.

    paces      calls a second that each account allows, by its name
    look       what keeps ticks from coming, or the workers from using Redis or the ledger
    consumers  what keeps the workers from taking calls although ticks come
    """

    paces: Mapping[str, float] = field(default_factory=dict)
    look: Callable[[], Trouble | None] = no_trouble
    consumers: Callable[[], Trouble | None] = no_trouble


NOT_ASKED = Surroundings()
