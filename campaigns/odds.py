"""Retry odds: how calls of an account end, learned from its latest calls in the ledger, else assumed."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from sqlalchemy import Connection, select

from campaigns.ledger.tables import attempts, campaigns
from dialer.calls import REACHED, Outcome

LEARNED_FROM = timedelta(days=30)
MOST_CALLS, LEAST_CALLS = 20_000, 50
ASSUMED = {Outcome.ANSWERED: 0.70, Outcome.NO_ANSWER: 0.20, Outcome.BUSY: 0.07, Outcome.FAILED: 0.03}
RINGING = 8.0  # seconds until somebody picks up, where nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """Shares of outcomes, of first tries and of later ones, and the seconds from dialing to each, as often as seen.

    Those of a call that reached somebody leave its message out. `spoken` is what a second of message takes on our
    clock. `calls` is how many they were learned from; 0 where they are assumed.
    """

    first: Mapping[Outcome, float]
    later: Mapping[Outcome, float]
    seconds: Mapping[Outcome, Sequence[float]]
    spoken: float = 1.0
    calls: int = 0

    def draws(self, rng: Random) -> Draws:
        """Outcomes by chance."""
        return Draws(self, rng)


class Draws:
    """Outcomes drawn one by one, fast, and how long such a call takes."""

    def __init__(self, odds: Odds, rng: Random) -> None:
        self._random = rng.random
        self._seconds, self._spoken = odds.seconds, odds.spoken
        self._tables = [(list(shares), list(accumulate(shares.values()))) for shares in (odds.first, odds.later)]

    def outcome(self, tries: int) -> Outcome:
        """How the next call of a contact that has had so many ends."""
        outcomes, sums = self._tables[tries > 0]
        return outcomes[min(bisect(sums, self._random() * sums[-1]), len(outcomes) - 1)]

    def seconds(self, outcome: Outcome, message: float) -> float:
        """How long a call takes that ends so, whose message is so many seconds long: as long as some call took."""
        seen = self._seconds[outcome]
        took = seen[int(self._random() * len(seen))] if len(seen) > 1 else seen[0]
        return max(0.0, took + message * self._spoken) if outcome in REACHED else took


def assumed(*, ring_timeout: float, speed: float) -> Odds:
    """What is taken for granted where an account has not called enough yet."""
    seconds = {
        Outcome.ANSWERED: (RINGING / speed,),
        Outcome.NO_ANSWER: (ring_timeout / speed,),
        Outcome.BUSY: (3.0 / speed,),
        Outcome.FAILED: (3.0 / speed,),
    }
    return Odds(first=ASSUMED, later=ASSUMED, seconds=seconds, spoken=1 / speed)


def learned(db: Connection, account: str, *, rehearsal: bool, speed: float, now: datetime) -> Odds | None:
    """What the account's latest calls came to; None when they are too few. Rehearsals teach rehearsals only."""
    columns = ("outcome", "number", "dialing_at", "ended_at", "script_seconds")
    query = (
        select(*(attempts.c[name] for name in columns))
        .join(campaigns, campaigns.c.id == attempts.c.campaign_id)
        .where(
            attempts.c.account == account,
            attempts.c.outcome.is_not(None),
            attempts.c.ended_at.is_not(None),
            attempts.c.dialing_at > now - LEARNED_FROM,
            campaigns.c.rehearsal == rehearsal,
        )
        .order_by(attempts.c.dialing_at.desc())
        .limit(MOST_CALLS)
    )
    calls = []
    for row in db.execute(query):
        outcome, took = Outcome(row.outcome), (row.ended_at - row.dialing_at).total_seconds()
        message = row.script_seconds / speed if outcome in REACHED else 0.0
        calls.append((outcome, row.number > 1, took - message))
    return _odds(calls, 1 / speed) if len(calls) >= LEAST_CALLS else None


def _odds(calls: Sequence[tuple[Outcome, bool, float]], spoken: float) -> Odds:
    first = Counter(outcome for outcome, again, _ in calls if not again)
    later = Counter(outcome for outcome, again, _ in calls if again)
    seconds: dict[Outcome, list[float]] = {}
    for outcome, _, took in calls:
        seconds.setdefault(outcome, []).append(took if outcome in REACHED else max(0.0, took))
    return Odds(first=first or later, later=later or first, seconds=seconds, spoken=spoken, calls=len(calls))
