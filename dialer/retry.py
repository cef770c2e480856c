"""Retry policy: the outcome and the number of tries say when to try again, or never."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from dialer.calls import Outcome

NEVER_RETRIED = frozenset({Outcome.ANSWERED, Outcome.INVALID_NUMBER, Outcome.EXPIRED, Outcome.UNKNOWN})
LONGEST_BACKOFF = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Delays by outcome, and one cap of attempts per contact across all of them.

    `delays[outcome]` holds the wait after its first, second, … time; past its end, the contact is not tried again.
    """

    max_attempts: int = 1
    delays: Mapping[Outcome, tuple[timedelta, ...]] = field(default_factory=dict)

    def delay_after(self, outcome: Outcome, *, same_outcomes: int, attempts: int) -> timedelta | None:
        """How long after the call's end to try again; None for never.

        `same_outcomes` and `attempts` count this call too.
        """
        waits = self.delays.get(outcome, ())
        if outcome in NEVER_RETRIED or attempts >= self.max_attempts or same_outcomes > len(waits):
            return None
        return waits[same_outcomes - 1]


def backoff(tries: int, rng: Random) -> timedelta:
    """How long to wait when the provider failed and surely placed no call: doubling from a second, jittered."""
    seconds = min(2.0 ** max(tries - 1, 0), LONGEST_BACKOFF.total_seconds())
    return timedelta(seconds=seconds * (0.75 + rng.random() / 2))
