"""How an account's calls are likely to end: learned from its latest calls in the ledger, else assumed."""

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
MOST_REQUESTS, LEAST_CALLS = 20_000, 50
MOST_THROTTLES = 12  # in a row for one contact: an outage of hours must not be expected for every such contact
ASSUMED = {Outcome.ANSWERED: 0.70, Outcome.NO_ANSWER: 0.20, Outcome.BUSY: 0.07, Outcome.FAILED: 0.03}
HASH_FACTOR, HASH_RANGE = 2654435761, 1 << 32  # Knuth's multiplicative hash, of a contact's index
RING_SECONDS = 8.0  # until a call is answered, where nothing was learned
NO_CALL = frozenset({Verdict.THROTTLED, Verdict.NOT_PLACED, Verdict.REFUSE_CONTACT, Verdict.SUPPRESS})
"""Verdicts that place no call and concern one contact or one moment, not the account."""

RecordedOutcome = Outcome | Verdict
"""The result of one request: how its call ended, or why there was no call."""

RecordedContact = tuple[tuple[RecordedOutcome, float], ...]
"""The results of one contact's requests, oldest first, each with its duration in seconds.

A call's duration is that from dialing to its end. Where no call was placed it is the time until the contact was due
again, infinite where it never was.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeModel:
    """How requests of an account end, and how long they take. Durations are in seconds of our clock.

    first, later       weights of the outcomes of first calls and of retries; they may have any sum
    durations          for each outcome, the durations that calls had; of a call that reached somebody, without
                       its message
    recorded_contacts  results kept per contact, because a contact's results resemble each other: one that did not
                       answer is unlikely to answer later
    speech_factor      duration of one second of message
    poll_interval      time between two polls when the durations were recorded, where polling found out that calls
                       had ended: each may have ended up to this much earlier; 0 where it did not
    calls              number of calls the model was learned from; 0: it is assumed
    """

    first: Mapping[Outcome, float]
    later: Mapping[Outcome, float]
    durations: Mapping[Outcome, Sequence[float]]
    recorded_contacts: Sequence[RecordedContact] = ()
    speech_factor: float = 1.0
    poll_interval: float = 0.0
    calls: int = 0

    def sampler(self, rng: Random) -> OutcomeSampler:
        """Draws results from this model."""
        return OutcomeSampler(self, rng)


class OutcomeSampler:
    """Draws the results of requests, one by one; fast enough for a million contacts."""

    def __init__(self, model: OutcomeModel, rng: Random) -> None:
        self._random, self._salt, self._poll_interval = rng.random, rng.getrandbits(32), model.poll_interval
        self._durations, self._speech_factor = model.durations, model.speech_factor
        self._recorded_contacts = model.recorded_contacts
        self._tables = [(list(weights), list(accumulate(weights.values()))) for weights in (model.first, model.later)]

    def sample(self, index: int, requests: int, message_seconds: float) -> tuple[RecordedOutcome, float]:
        """Result and duration of the next request for the contact at `index`, after so many requests before.

        `message_seconds` is the length of its message.
        """
        recorded = self._recorded_contact(index)
        if requests < len(recorded):
            result, duration = recorded[requests]
        else:
            result = self._outcome(requests)
            durations = self._durations[result]
            duration = durations[int(self._random() * len(durations))] if len(durations) > 1 else durations[0]
        if self._poll_interval and result not in NO_CALL:
            duration -= self._random() * self._poll_interval
        return result, max(0.0, duration + message_seconds * self._speech_factor if result in REACHED else duration)

    def _recorded_contact(self, index: int) -> RecordedContact:
        """The recorded contact whose results this contact repeats: chosen at random, the same for all its calls."""
        if not self._recorded_contacts:
            return ()
        hashed = (((index + 1) * HASH_FACTOR) ^ self._salt) * HASH_FACTOR % HASH_RANGE >> 7
        return self._recorded_contacts[hashed % len(self._recorded_contacts)]

    def _outcome(self, requests: int) -> Outcome:
        outcomes, sums = self._tables[requests > 0]
        return outcomes[min(bisect(sums, self._random() * sums[-1]), len(outcomes) - 1)]


def assumed_model(*, ring_timeout: float, speed: float) -> OutcomeModel:
    """The model of an account with too few calls to learn from.

    `ring_timeout` is in seconds of the provider's clock, which runs `speed` times as fast as ours (sandbox only).
    """
    durations = {
        Outcome.ANSWERED: (RING_SECONDS / speed,),
        Outcome.NO_ANSWER: (ring_timeout / speed,),
        Outcome.BUSY: (3.0 / speed,),
        Outcome.FAILED: (3.0 / speed,),
    }
    return OutcomeModel(first=ASSUMED, later=ASSUMED, durations=durations, speech_factor=1 / speed)


def learned_model(
    db: Connection, account: str, *, rehearsal: bool, speed: float, poll_interval: float = 0.0, now: datetime
) -> OutcomeModel | None:
    """The model of the account's latest requests; None when fewer than 50 of them were calls.

    Rehearsals and real campaigns are learned from separately.
    """
    columns = ("contact_id", "outcome", "verdict", "dialing_at", "ended_at", "next_attempt_at", "script_seconds")
    no_call = and_(attempts.c.status == AttemptStatus.NOT_PLACED, attempts.c.verdict.in_(NO_CALL))
    query = (
        select(*(attempts.c[name] for name in columns))
        .join(campaigns, campaigns.c.id == attempts.c.campaign_id)
        .where(
            attempts.c.account == account,
            or_(attempts.c.outcome.is_not(None), no_call),
            attempts.c.ended_at.is_not(None),
            attempts.c.dialing_at > now - LEARNED_FROM,
            campaigns.c.rehearsal == rehearsal,
        )
        .order_by(attempts.c.dialing_at.desc())
        .limit(MOST_REQUESTS)
    )
    by_contact: dict[int, list[tuple[RecordedOutcome, float]]] = {}
    for row in reversed(db.execute(query).all()):
        results = by_contact.setdefault(row.contact_id, [])
        if row.verdict != Verdict.THROTTLED or not _often_throttled(results):
            results.append(_result(row, speed))
    model = _model([tuple(results) for results in by_contact.values()], 1 / speed, poll_interval)
    return model if model.calls >= LEAST_CALLS else None


def _often_throttled(results: Sequence[tuple[RecordedOutcome, float]]) -> bool:
    latest = [result for result, _ in results[-MOST_THROTTLES:]]
    return latest == [Verdict.THROTTLED] * MOST_THROTTLES


def _result(row: Row[Any], speed: float) -> tuple[RecordedOutcome, float]:
    """Result and duration of a recorded attempt."""
    if row.outcome is None:
        retry_at = row.next_attempt_at
        return Verdict(row.verdict), (retry_at - row.dialing_at).total_seconds() if retry_at else math.inf
    outcome, duration = Outcome(row.outcome), (row.ended_at - row.dialing_at).total_seconds()
    return outcome, max(0.0, duration) - (row.script_seconds / speed if outcome in REACHED else 0.0)


def _model(recorded: Sequence[RecordedContact], speech_factor: float, poll_interval: float) -> OutcomeModel:
    first, later = Counter[Outcome](), Counter[Outcome]()
    durations: dict[Outcome, list[float]] = {}
    for results in recorded:
        calls = [(result, duration) for result, duration in results if isinstance(result, Outcome)]
        first.update(outcome for outcome, _ in calls[:1])
        later.update(outcome for outcome, _ in calls[1:])
        for outcome, duration in calls:
            durations.setdefault(outcome, []).append(duration)
    return OutcomeModel(
        first=first,
        later=later or first,
        durations=durations,
        recorded_contacts=recorded,
        speech_factor=speech_factor,
        poll_interval=poll_interval,
        calls=first.total() + later.total(),
    )
