"""The stream of all events, for programs that read it instead of being told: a webhook of its own, that is never sent.

Its events are written from its first reader on, by the triggers that write those of every webhook, and are read in the
order of their ids, each when no transaction that began before it can bring another one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal_column, or_, select, update

from campaigns.ledger.deliveries import Delivery, described
from campaigns.ledger.moves import row_count
from campaigns.ledger.tables import STREAM, deliveries, webhooks
from campaigns.lifecycle import EventKind, WebhookState
from dialer.short_text import is_short_text

MAX_EVENT_ID = 100  # characters; ours have 36
EVERY_KIND = f" {' '.join(EventKind)} "  # also those that a later version has added
NOTED_EVERY = timedelta(minutes=1)  # that somebody reads

streamed = deliveries.c.webhook == literal_column(f"'{STREAM}'")  # the word stands there for the sake of the index


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a reader is.

    since     events of transactions from this one on were not read
    after     the event after which a reader goes on: its transaction, and its id
    until     while a round is read in pages: its end, and the id of the last event that was read
    """

    since: int = 0
    after: tuple[int, int] | None = None
    until: int | None = None
    last_id: int = 0


def keep_stream(db: Connection, now: datetime) -> None:
    """Have events written for readers, from now on or as before; note once a minute that somebody reads."""
    row = db.execute(select(webhooks.c.since).where(webhooks.c.name == STREAM)).first()
    if row is None:
        facts = {"url": "", "kinds": EVERY_KIND, "include": [], "salt": "", "reason": "somebody reads"}
        moments = dict.fromkeys(("since", "added_at", "next_at"), now)
        added = insert(webhooks).values(name=STREAM, state=WebhookState.ACTIVE, added_by="", **facts, **moments)
        db.execute(added)
    elif row.since < now - NOTED_EVERY:
        db.execute(update(webhooks).where(webhooks.c.name == STREAM).values(since=now, kinds=EVERY_KIND))


def stream_needs_note(db: Connection, now: datetime) -> bool:
    """Whether `keep_stream` would write anything."""
    since = db.scalar(select(webhooks.c.since).where(webhooks.c.name == STREAM))
    return since is None or since < now - NOTED_EVERY


def end_stream(db: Connection, *, before: datetime) -> bool:
    """Have no more events written when nobody has read any since `before`; True when that is so."""
    unread = (webhooks.c.name == STREAM, webhooks.c.since < before)
    ended = row_count(db, delete(webhooks).where(*unread)) == 1
    if ended:
        db.execute(delete(deliveries).where(streamed))
    return ended


def from_now(db: Connection) -> Cursor:
    """A reader that is told what happens from now on."""
    return Cursor(since=_finished_before(db))


def from_event(db: Connection, event_id: str) -> Cursor | None:
    """A reader that has read this event, and those before it; None where it is not kept."""
    query = select(_transaction(db), deliveries.c.id).where(streamed, deliveries.c.event_id == event_id)
    row = db.execute(query).first() if is_short_text(event_id, MAX_EVENT_ID) else None
    return None if row is None else Cursor(after=(row[0], row[1]))


def next_events(
    db: Connection, cursor: Cursor, *, kinds: Collection[EventKind], campaign_id: str | None, limit: int
) -> tuple[Sequence[Delivery], Cursor]:
    """The next events of these kinds, of one campaign or of all, and the cursor behind them; none where there are none.

    A reader that goes on after an event may be given some of those before it once more.
    """
    transaction, until = _transaction(db), cursor.until or _finished_before(db)
    unread: ColumnElement[bool] = transaction >= cursor.since
    if cursor.after is not None:
        unread = or_(transaction > cursor.after[0], deliveries.c.id > cursor.after[1])
    where = [streamed, unread, transaction < until, deliveries.c.id > cursor.last_id]
    where += [deliveries.c.campaign_id == campaign_id] if campaign_id else []
    where += [deliveries.c.kind.in_(kinds)] if len(kinds) < len(EventKind) else []
    rows = db.execute(select(deliveries).where(*where).order_by(deliveries.c.id).limit(limit)).all()
    if len(rows) < limit:
        return described(db, rows), Cursor(since=until)
    return described(db, rows), replace(cursor, until=until, last_id=rows[-1].id)


def _transaction(db: Connection) -> ColumnElement[Any]:
    """The number of the transaction that wrote an event; SQLite's come one after the other, and so do the ids."""
    return deliveries.c.id if db.dialect.name == "sqlite" else deliveries.c.xact


def _finished_before(db: Connection) -> int:
    """The transaction before which all have ended."""
    if db.dialect.name == "sqlite":
        return int(db.scalar(select(func.max(deliveries.c.id))) or 0) + 1
    return int(db.execute(select(func.txid_snapshot_xmin(func.txid_current_snapshot()))).scalar_one())
