"""Retry odds: how calls of an account end, learned from its latest calls in the ledger, else assumed."""

from __future__ import annotations

import math
from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from campaigns.ledger.tables import attempts, campaigns
from campaigns.lifecycle import AttemptStatus
from dialer.calls import REACHED, Outcome
from dialer.verdicts import Verdict

LEARNED_FROM = timedelta(days=30)
MOST_CALLS, LEAST_CALLS = 20_000, 50
MOST_THROTTLES = 12  # in a row: a provider that has refused for hours did so to those who were due just then
ASSUMED = {Outcome.ANSWERED: 0.70, Outcome.NO_ANSWER: 0.20, Outcome.BUSY: 0.07, Outcome.FAILED: 0.03}
SPREAD, WORD = 2654435761, 1 << 32  # for a hash of a contact's place
RINGING = 8.0  # seconds until somebody picks up, where nothing is known
NO_CALL = frozenset({Verdict.THROTTLED, Verdict.NOT_PLACED, Verdict.REFUSE_CONTACT, Verdict.SUPPRESS})
"""What a request comes to that places no call and is the contact's own affair, or a moment's."""

RecordedOutcome = Outcome | Verdict
"""What a request met: how its call ended, or why there was none."""

RecordedContact = tuple[tuple[RecordedOutcome, float], ...]
"""What a contact's requests met, one after another, and the seconds that each took.

Of a call until its end; where there was none, until the contact was due again, infinite where it never was.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeModel:
    """Shares of outcomes, of first tries and of later ones, and the seconds from dialing to each, as often as seen.

    Those of a call that reached somebody leave its message out. `stories` are the requests for one contact after
    another: who was silent once is silent again, and who was refused is refused. `spoken` is what a second of message
    takes on our clock. `looks` seconds lay between two looks, where those told of ends: a call was over up to so much
    earlier. `calls` is how many they were learned from; 0 where they are assumed. The shares may have any sum.
    """

    first: Mapping[Outcome, float]
    later: Mapping[Outcome, float]
    seconds: Mapping[Outcome, Sequence[float]]
    stories: Sequence[RecordedContact] = ()
    spoken: float = 1.0
    looks: float = 0.0
    calls: int = 0

    def draws(self, rng: Random) -> Draws:
        """Outcomes by chance."""
        return Draws(self, rng)


class Draws:
    """Requests drawn one by one, fast: what each meets, and how long it takes."""

    def __init__(self, odds: OutcomeModel, rng: Random) -> None:
        self._random, self._salt, self._looks = rng.random, rng.getrandbits(32), odds.looks
        self._seconds, self._spoken, self._stories = odds.seconds, odds.spoken, odds.stories
        self._tables = [(list(shares), list(accumulate(shares.values()))) for shares in (odds.first, odds.later)]

    def request(self, place: int, tries: int, message: float) -> tuple[RecordedOutcome, float]:
        """The next request for the contact at this place of the list, that has had so many, about a message so long."""
        story = self._story(place)
        if tries < len(story):
            met, took = story[tries]
        else:
            met = self._outcome(tries)
            seen = self._seconds[met]
            took = seen[int(self._random() * len(seen))] if len(seen) > 1 else seen[0]
        if self._looks and met not in NO_CALL:
            took -= self._random() * self._looks
        return met, max(0.0, took + message * self._spoken if met in REACHED else took)

    def _story(self, place: int) -> RecordedContact:
        """Whose story the contact at this place lives: by chance, and the same for all its calls."""
        if not self._stories:
            return ()
        return self._stories[((((place + 1) * SPREAD) ^ self._salt) * SPREAD % WORD >> 7) % len(self._stories)]

    def _outcome(self, tries: int) -> Outcome:
        outcomes, sums = self._tables[tries > 0]
        return outcomes[min(bisect(sums, self._random() * sums[-1]), len(outcomes) - 1)]


def assumed(*, ring_timeout: float, speed: float) -> OutcomeModel:
    """What is taken for granted where an account has not called enough yet."""
    seconds = {
        Outcome.ANSWERED: (RINGING / speed,),
        Outcome.NO_ANSWER: (ring_timeout / speed,),
        Outcome.BUSY: (3.0 / speed,),
        Outcome.FAILED: (3.0 / speed,),
    }
    return OutcomeModel(first=ASSUMED, later=ASSUMED, seconds=seconds, spoken=1 / speed)


def learned(
    db: Connection, account: str, *, rehearsal: bool, speed: float, looks: float = 0.0, now: datetime
) -> OutcomeModel | None:
    """What the account's latest requests came to; None when too few were calls. Rehearsals teach rehearsals only."""
    columns = ("contact_id", "outcome", "verdict", "dialing_at", "ended_at", "next_attempt_at", "script_seconds")
    refused = and_(attempts.c.status == AttemptStatus.NOT_PLACED, attempts.c.verdict.in_(NO_CALL))
    query = (
        select(*(attempts.c[name] for name in columns))
        .join(campaigns, campaigns.c.id == attempts.c.campaign_id)
        .where(
            attempts.c.account == account,
            or_(attempts.c.outcome.is_not(None), refused),
            attempts.c.ended_at.is_not(None),
            attempts.c.dialing_at > now - LEARNED_FROM,
            campaigns.c.rehearsal == rehearsal,
        )
        .order_by(attempts.c.dialing_at.desc())
        .limit(MOST_CALLS)
    )
    stories: dict[int, list[tuple[RecordedOutcome, float]]] = {}
    for row in reversed(db.execute(query).all()):
        story = stories.setdefault(row.contact_id, [])
        if row.verdict != Verdict.THROTTLED or not _often_throttled(story):
            story.append(_met(row, speed))
    odds = _odds([tuple(story) for story in stories.values()], 1 / speed, looks)
    return odds if odds.calls >= LEAST_CALLS else None


def _often_throttled(story: Sequence[tuple[RecordedOutcome, float]]) -> bool:
    latest = [met for met, _ in story[-MOST_THROTTLES:]]
    return latest == [Verdict.THROTTLED] * MOST_THROTTLES


def _met(row: Row[Any], speed: float) -> tuple[RecordedOutcome, float]:
    if row.outcome is None:
        again = row.next_attempt_at
        return Verdict(row.verdict), (again - row.dialing_at).total_seconds() if again else math.inf
    outcome, took = Outcome(row.outcome), (row.ended_at - row.dialing_at).total_seconds()
    return outcome, max(0.0, took) - (row.script_seconds / speed if outcome in REACHED else 0.0)


def _odds(stories: Sequence[RecordedContact], spoken: float, looks: float) -> OutcomeModel:
    first, later = Counter[Outcome](), Counter[Outcome]()
    seconds: dict[Outcome, list[float]] = {}
    for story in stories:
        calls = [(met, took) for met, took in story if isinstance(met, Outcome)]
        first.update(met for met, _ in calls[:1])
        later.update(met for met, _ in calls[1:])
        for outcome, took in calls:
            seconds.setdefault(outcome, []).append(took)
    known = first.total() + later.total()
    return OutcomeModel(
        first=first,
        later=later or first,
        seconds=seconds,
        stories=stories,
        spoken=spoken,
        looks=looks,
        calls=known,
    )
