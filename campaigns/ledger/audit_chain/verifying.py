"""Walks along the chain of the audit's lines, and names the first that is not as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import Connection, Row, func, select

from campaigns.ledger.audit_chain.chaining import ChainPlace, ends_of, hash_of, place_of, seal_of
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit
from campaigns.lifecycle import ChainEnd

READ_AT_ONCE = 2000
BACKDATED = timedelta(hours=1)


class ChainFault(StrEnum):
    """What is wrong with the first line that is not as it was."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    ENDS = "ends"  # where the chain begins or ends was not written with this hash_key
    NOTED = "noted"  # the place that was noted earlier is not in the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the audit is as it was written; the names are those of `audit verify --json`.

    fault      what is wrong with the first line that is not as it was; None: the chain is intact
    place      its place in the chain
    id         its id, or that of the line that stands where it should; None where there is none
    at         that line's moment
    chained    lines that are as they were, up to the first fault
    removed    lines before them that were removed because they were old
    waiting    lines that are not chained yet: nothing is promised of these
    backdated  chained lines dated an hour or more before a line ahead of them
    head       the end of the chain; noted elsewhere, it shows later that nothing was taken off it
    """

    fault: ChainFault | None = None
    place: int | None = None
    id: int | None = None
    at: datetime | None = None
    chained: int = 0
    removed: int = 0
    waiting: int = 0
    backdated: int = 0
    head: ChainPlace | None = None


def verify(ledger: Ledger, *, noted: ChainPlace | None = None) -> Verification:
    """Whether every chained line is as it was, and whether the place that was noted earlier is still in the chain."""
    with ledger.snapshot() as db:
        waiting = db.scalar(select(func.count()).select_from(audit).where(audit.c.place.is_(None))) or 0
        ends = ends_of(db)
        if not ends:
            first = db.scalar(select(func.min(audit.c.place)))
            if first is None and noted is not None:
                return Verification(fault=ChainFault.NOTED, place=noted.place, waiting=waiting)
            return Verification(fault=None if first is None else ChainFault.ENDS, place=first, waiting=waiting)
        if set(ends) != set(ChainEnd) or any(row.seal != seal_of(ledger, row.name, row) for row in ends.values()):
            return Verification(fault=ChainFault.ENDS, waiting=waiting)
        anchor, head = place_of(ends[ChainEnd.ANCHOR]), place_of(ends[ChainEnd.HEAD])
        return _Walk(db, ledger, anchor, head, noted, waiting).result()


class _Walk:
    """One walk along the chain, from the anchor to the head."""

    def __init__(
        self,
        db: Connection,
        ledger: Ledger,
        anchor: ChainPlace,
        head: ChainPlace,
        noted: ChainPlace | None,
        waiting: int,
    ) -> None:
        self._db, self._ledger = db, ledger
        self._anchor, self._head, self._noted, self._waiting = anchor, head, noted, waiting
        self._before = anchor  # the last line that is as it was
        self._newest: datetime | None = None
        self._backdated = 0

    def result(self) -> Verification:
        early = select(audit).where(audit.c.place <= self._anchor.place).order_by(audit.c.place).limit(1)
        if row := self._db.execute(early).first():
            return self._verification(ChainFault.INSERTED, row.place, row)
        for row, following in pairwise(chain(self._rows(), [None])):
            if fault := self._fault(row, following):
                return self._verification(fault, self._before.place + 1, row)
            self._accept(row)
        if self._before.place < self._head.place:
            return self._verification(ChainFault.REMOVED, self._before.place + 1)
        if self._noted is not None and not self._is_noted_there():
            return self._verification(ChainFault.NOTED, self._noted.place)
        return self._verification()

    def _rows(self) -> Iterator[Any]:
        after = self._anchor.place
        while True:
            page = self._db.execute(
                select(audit).where(audit.c.place > after).order_by(audit.c.place).limit(READ_AT_ONCE)
            ).all()
            yield from page
            if len(page) < READ_AT_ONCE:
                return
            after = page[-1].place

    def _fault(self, row: Row[Any], following: Row[Any] | None) -> ChainFault | None:
        expected = self._before.place + 1
        if row.place != expected:
            return ChainFault.REMOVED if row.place <= self._head.place else ChainFault.INSERTED
        if row.place > self._head.place:
            return ChainFault.INSERTED
        if row.hash == hash_of(self._ledger, self._before.hash, expected, row):
            return None
        stood_here = following is not None and following.hash == hash_of(
            self._ledger, self._before.hash, expected, following
        )
        return ChainFault.INSERTED if stood_here else ChainFault.CHANGED

    def _accept(self, row: Row[Any]) -> None:
        self._before = place_of(row)
        if self._newest is not None and row.at <= self._newest - BACKDATED:
            self._backdated += 1
        self._newest = max(self._newest or row.at, row.at)

    def _is_noted_there(self) -> bool:
        noted = self._noted
        if noted is None or noted.place < self._anchor.place:
            return True  # it was removed because it was old
        if noted.place == self._anchor.place:
            return noted.hash == self._anchor.hash
        return self._db.scalar(select(audit.c.hash).where(audit.c.place == noted.place)) == noted.hash

    def _verification(
        self, fault: ChainFault | None = None, place: int | None = None, row: Row[Any] | None = None
    ) -> Verification:
        return Verification(
            fault=fault,
            place=place,
            id=row.id if row else None,
            at=row.at if row else None,
            chained=self._before.place - self._anchor.place,
            removed=self._anchor.place,
            waiting=self._waiting,
            backdated=self._backdated,
            head=self._head,
        )
