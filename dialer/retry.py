"""Retry policy: when to call again, by the outcome and the number of calls so far.

Only calls that the provider accepted are counted, under the name `attempts`; a request that placed no call is not.
"""

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
    """Delays by outcome, and a maximum of accepted calls per contact, whatever their outcomes.

    `delays[outcome]` holds the delays after its first, second, … time; after the last one there is no further call.
    """

    max_attempts: int = 1
    delays: Mapping[Outcome, tuple[timedelta, ...]] = field(default_factory=dict)

    def delay_after(self, outcome: Outcome, *, same_outcomes: int, attempts: int) -> timedelta | None:
        """The delay from the end of the call to the next one; None for no further call.

        `attempts` counts the contact's accepted calls, `same_outcomes` those with this outcome; both include this one.
        """
        waits = self.delays.get(outcome, ())
        if outcome in NEVER_RETRIED or attempts >= self.max_attempts or same_outcomes > len(waits):
            return None
        return waits[same_outcomes - 1]


def doubled(first: float, times: int, longest: float) -> float:
    """The wait before the next time, after so many: `first`, doubled with each further one, at most `longest`."""
    return min(longest, first * 2.0 ** min(max(times - 1, 0), 10))


def backoff(tries: int, rng: Random) -> timedelta:
    """The delay after the provider failed and certainly placed no call: doubles from 1 s to 60 s, ± 25 % at random."""
    seconds = doubled(1.0, tries, LONGEST_BACKOFF.total_seconds())
    return timedelta(seconds=seconds * (0.75 + rng.random() / 2))
