"""The chain of the audit's lines: each line's hash covers the line before, so that a change of one is seen.

A line is written without a place, by whatever transaction it belongs to, and waits for nobody. A sweep then gives the
lines that have none the next places, in the order of their ids; of several sweeps at once one does. So a line that was
committed late comes later in the chain, and none is left out. What was chained cannot be changed, removed or inserted
unseen without the ledger's `hash_key`, which stands in no ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain, pairwise
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, audit_chain
from campaigns.lifecycle import ChainEnd

CHAINED_AT_ONCE = 200
MOST_IN_A_SWEEP = 10_000  # a ledger of before has all of its lines to be chained
READ_AT_ONCE = 2000
BACKDATED = timedelta(hours=1)


class ChainFault(StrEnum):
    """What is wrong with the first line that is not as it was."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    ENDS = "ends"  # where the chain begins or ends was not written with this hash_key


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlace:
    """A place in the chain and the hash there: as text `PLACE:HASH`, to be noted elsewhere."""

    place: int
    hash: str

    def __str__(self) -> str:
        return f"{self.place}:{self.hash}"


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


def chain_audit(ledger: Ledger) -> int:
    """Chain the lines that are not chained yet; returns how many. Several processes may run it at once."""
    with ledger.reading() as db:
        if db.execute(_unchained().limit(1)).first() is None:
            return 0
    chained = 0
    while chained < MOST_IN_A_SWEEP:
        added: int = ledger.write(_chain_some, ledger)
        chained += added
        if added < CHAINED_AT_ONCE:
            break
    return chained


def remove_before(db: Connection, ledger: Ledger, before: datetime, limit: int) -> int:
    """Remove the oldest chained lines, those before this moment, and move the anchor there; returns how many.

    In the order of the chain, up to the first line that is not older.
    """
    anchor, head = _locked_ends(db, ledger) or (None, None)
    if anchor is None or head is None:
        return 0
    oldest = select(audit.c.place, audit.c.hash, audit.c.at).where(audit.c.place > anchor.place)
    old: list[Any] = []
    for row in db.execute(oldest.order_by(audit.c.place).limit(limit)).all():
        if row.at >= before or row.place >= head.place:  # the last is kept: the chain goes on from it
            break
        old.append(row)
    if old:
        db.execute(delete(audit).where(audit.c.place > anchor.place, audit.c.place <= old[-1].place))
        _put_end(db, ledger, ChainEnd.ANCHOR, ChainPlace(place=old[-1].place, hash=old[-1].hash))
    return len(old)


def count_before(db: Connection, before: datetime) -> int:
    """How many lines `remove_before` would remove, if the lines are in the order of their moments."""
    return db.scalar(select(func.count()).select_from(audit).where(audit.c.at < before)) or 0


def head_of(db: Connection) -> ChainPlace | None:
    """The end of the chain; None where nothing is chained."""
    ends = _ends(db)
    return _place(ends[ChainEnd.HEAD]) if ChainEnd.HEAD in ends else None


def verify(ledger: Ledger, *, noted: ChainPlace | None = None) -> Verification:
    """Whether every chained line is as it was, and whether the place that was noted earlier is still in the chain."""
    with ledger.snapshot() as db:
        waiting = db.scalar(select(func.count()).select_from(audit).where(audit.c.place.is_(None))) or 0
        ends = _ends(db)
        if not ends:
            first = db.scalar(select(func.min(audit.c.place)))
            fault = ChainFault.ENDS if first is not None or noted else None
            return Verification(fault=fault, place=first, waiting=waiting)
        if set(ends) != set(ChainEnd) or any(row.seal != _seal_of(ledger, row.name, row) for row in ends.values()):
            return Verification(fault=ChainFault.ENDS, waiting=waiting)
        anchor, head = _place(ends[ChainEnd.ANCHOR]), _place(ends[ChainEnd.HEAD])
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
            return self._verification(ChainFault.ENDS, self._noted.place)
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
        if row.hash == _hash(self._ledger, self._before.hash, expected, row):
            return None
        stood_here = following is not None and following.hash == _hash(
            self._ledger, self._before.hash, expected, following
        )
        return ChainFault.INSERTED if stood_here else ChainFault.CHANGED

    def _accept(self, row: Row[Any]) -> None:
        self._before = _place(row)
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


def _chain_some(db: Connection, ledger: Ledger) -> int:
    """Give the next places to some lines; none where another process does."""
    ends = _locked_ends(db, ledger)
    if ends is None:
        return 0
    last = ends[1]
    chained = []
    for row in db.execute(_unchained().limit(CHAINED_AT_ONCE)).all():
        place = last.place + 1
        last = ChainPlace(place=place, hash=_hash(ledger, last.hash, place, row))
        chained.append({"line": row.id, "to_place": place, "to_hash": last.hash})
    if chained:
        line = update(audit).where(audit.c.id == bindparam("line"))
        db.execute(line.values(place=bindparam("to_place"), hash=bindparam("to_hash")), chained)
        _put_end(db, ledger, ChainEnd.HEAD, last)
    return len(chained)


def _unchained() -> Any:
    return select(audit).where(audit.c.place.is_(None)).order_by(audit.c.id)


def _locked_ends(db: Connection, ledger: Ledger) -> tuple[ChainPlace, ChainPlace] | None:
    """The anchor and the head, locked until this transaction ends; None while another process has them."""
    locked = select(audit_chain).order_by(audit_chain.c.name).with_for_update(skip_locked=True)
    rows = db.execute(locked).all()
    if not rows and not _ends(db):
        for name in ChainEnd:
            _put_end(db, ledger, name, ChainPlace(place=0, hash=""))
        rows = db.execute(locked).all()
    by_name = {row.name: _place(row) for row in rows}
    return (by_name[ChainEnd.ANCHOR], by_name[ChainEnd.HEAD]) if len(by_name) == len(ChainEnd) else None


def _ends(db: Connection) -> dict[str, Row[Any]]:
    return {row.name: row for row in db.execute(select(audit_chain))}


def _put_end(db: Connection, ledger: Ledger, name: ChainEnd, at: ChainPlace) -> None:
    values = {"place": at.place, "hash": at.hash, "seal": _seal_of(ledger, name, at)}
    put = insert_into(db, audit_chain).values(name=name, **values)
    db.execute(put.on_conflict_do_update(index_elements=["name"], set_=values))


def _place(row: Row[Any]) -> ChainPlace:
    return ChainPlace(place=row.place, hash=row.hash)


def _seal_of(ledger: Ledger, name: str, at: Any) -> str:
    return ledger.seal(_content([str(name), at.place, at.hash]))


def _hash(ledger: Ledger, before: str, place: int, row: Row[Any]) -> str:
    line = [row.id, row.at.isoformat(), row.who, row.event, row.campaign_id, row.detail]
    return ledger.seal(_content([before, place, *line]))


def _content(parts: Sequence[object]) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
