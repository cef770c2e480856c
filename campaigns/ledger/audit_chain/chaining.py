"""The chain of the audit's lines: each line's hash covers the line before, so that a change of one is seen.

A line is written without a place, by whatever transaction it belongs to, and waits for nobody. A sweep then gives the
lines that have none the next places, in the order of their ids; of several sweeps at once one does. So a line that was
committed late comes later in the chain, and none is left out. What was chained cannot be changed, removed or inserted
unseen without the ledger's `hash_key`, which stands in no ledger.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import audit, audit_chain
from campaigns.lifecycle import ChainEnd

CHAINED_AT_ONCE = 200
MOST_IN_A_SWEEP = 10_000  # a ledger of before has all of its lines to be chained


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlace:
    """A place in the chain and the hash there: as text `PLACE:HASH`, to be noted elsewhere."""

    place: int
    hash: str

    def __str__(self) -> str:
        return f"{self.place}:{self.hash}"


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


def _chain_some(db: Connection, ledger: Ledger) -> int:
    """Give the next places to some lines; none where another process does."""
    ends = _locked_ends(db, ledger)
    if ends is None:
        return 0
    last = ends[1]
    chained = []
    for row in db.execute(_unchained().limit(CHAINED_AT_ONCE)).all():
        place = last.place + 1
        last = ChainPlace(place=place, hash=hash_of(ledger, last.hash, place, row))
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
    if not rows and not ends_of(db):
        _begin(db, ledger)
        rows = db.execute(locked).all()
    by_name = {row.name: place_of(row) for row in rows}
    return (by_name[ChainEnd.ANCHOR], by_name[ChainEnd.HEAD]) if len(by_name) == len(ChainEnd) else None


def _begin(db: Connection, ledger: Ledger) -> None:
    """Write the ends of a chain without lines; where another process has begun meanwhile, they are that one's."""
    start = ChainPlace(place=0, hash="")
    ends = [{"name": name, "place": 0, "hash": "", "seal": seal_of(ledger, name, start)} for name in ChainEnd]
    db.execute(insert_into(db, audit_chain).values(ends).on_conflict_do_nothing())


def ends_of(db: Connection) -> dict[str, Row[Any]]:
    """The rows of the chain's ends, by their names."""
    return {row.name: row for row in db.execute(select(audit_chain))}


def _put_end(db: Connection, ledger: Ledger, name: ChainEnd, at: ChainPlace) -> None:
    values = {"place": at.place, "hash": at.hash, "seal": seal_of(ledger, name, at)}
    put = insert_into(db, audit_chain).values(name=name, **values)
    db.execute(put.on_conflict_do_update(index_elements=["name"], set_=values))


def place_of(row: Row[Any]) -> ChainPlace:
    """The place that a row names."""
    return ChainPlace(place=row.place, hash=row.hash)


def seal_of(ledger: Ledger, name: str, at: Any) -> str:
    """What the seal of an end is."""
    return ledger.seal(_content([str(name), at.place, at.hash]))


def hash_of(ledger: Ledger, before: str, place: int, row: Row[Any]) -> str:
    """The hash of a line at this place, after the line with the hash `before`."""
    line = [row.id, row.at.isoformat(), row.who, row.event, row.campaign_id, row.detail]
    return ledger.seal(_content([before, place, *line]))


def _content(parts: Sequence[object]) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
