"""The judge: the sandbox's log and the list of contacts are the truth, and the ledger is held against them.

A person was called twice when a call of theirs began although an earlier one had been answered, was still going on, or
was the last that the campaign allows. A person was lost when their contact has no final status, or has one that claims
a call which never was.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import FINAL_CONTACTS, ContactStatus

ANSWERED = "answered"
Call = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What became of some contacts; `doubles`, `lost` and `wrong` name the numbers and must be empty."""

    contacts: int
    calls: int
    doubles: Sequence[str] = field(repr=False)
    lost: Sequence[str] = field(repr=False)
    wrong: Sequence[str] = field(repr=False)
    finals: Mapping[str, int]
    doubts: int
    doubts_ended_by: Mapping[str, int]
    ends_told_by: Mapping[str, int]

    @property
    def victims(self) -> Sequence[str]:
        return [*self.doubles, *self.lost, *self.wrong]

    @property
    def sound(self) -> bool:
        return not self.victims


def doubles(calls: Iterable[Call], *, max_attempts: int) -> list[str]:
    """The numbers that were called again although they must not have been, by the log alone."""
    by_number: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call["placed_at"]):
        by_number[call["to"]].append(call)
    return sorted(number for number, made in by_number.items() if _too_often(made, max_attempts))


def _too_often(made: Sequence[Call], max_attempts: int) -> bool:
    ids = Counter(call["correlation_id"] for call in made)
    repeated = max(ids.values()) > 1
    after_success = any(call["outcome"] == ANSWERED for call in made[:-1])
    return repeated or after_success or len(made) > max_attempts


def judge(ledger: Ledger, calls: Sequence[Call], numbers: Sequence[str], *, max_attempts: int) -> Judgement:
    """Hold the ledger against the log, for the contacts with these numbers."""
    mine = set(numbers)
    made = [call for call in calls if call["to"] in mine]
    answered = {call["to"] for call in made if call["outcome"] == ANSWERED}
    with ledger.reading() as db:
        rows = {row.phone: row for row in db.execute(select(contacts)) if row.phone in mine}
        tries = [
            row
            for row in db.execute(select(attempts, contacts.c.phone).join(contacts))
            if row.phone in mine and row.doubted_at is not None
        ]
        ends = Counter(
            row.ended_by
            for row in db.execute(select(attempts.c.ended_by, contacts.c.phone).join(contacts))
            if row.phone in mine and row.ended_by
        )
    return Judgement(
        contacts=len(mine),
        calls=len(made),
        doubles=doubles(made, max_attempts=max_attempts),
        lost=sorted(number for number in mine if _is_lost(rows.get(number), number in answered)),
        wrong=sorted(number for number, row in rows.items() if _is_wrong(row, number in answered)),
        finals=Counter(row.status for row in rows.values()),
        doubts=len(tries),
        doubts_ended_by=Counter(row.confirmed_by or "time ran out" for row in tries),
        ends_told_by=ends,
    )


def stories(ledger: Ledger, calls: Sequence[Call], numbers: Iterable[str]) -> str:
    """All that the ledger and the log know of these people, to find out what happened."""
    wanted = set(numbers)
    with ledger.reading() as db:
        people = [row._asdict() for row in db.execute(select(contacts).where(contacts.c.phone.in_(wanted)))]
        ids = [person["id"] for person in people]
        tries = [row._asdict() for row in db.execute(select(attempts).where(attempts.c.contact_id.in_(ids)))]
    logged = [call for call in calls if call["to"] in wanted]
    return json.dumps({"contacts": people, "attempts": tries, "calls": logged}, default=str, indent=1)


def _is_lost(row: Any, was_answered: bool) -> bool:
    """Nobody knows of them any more, or they are said to have been reached and nobody ever called them."""
    if row is None or row.status not in FINAL_CONTACTS:
        return True
    return row.status == ContactStatus.REACHED and not was_answered


def _is_wrong(row: Any, was_answered: bool) -> bool:
    """The report would say that they were not reached, and they were. (`unknown` says that a person must look.)"""
    return was_answered and row.status in {
        ContactStatus.UNREACHED,
        ContactStatus.REFUSED,
        ContactStatus.SUPPRESSED,
        ContactStatus.EXPIRED,
        ContactStatus.CANCELLED,
        ContactStatus.WITHDRAWN,
    }
