"""Deliveries: events that wait to be sent to a webhook, or have been. Triggers of the store write them.

Those about the same contact, or the same campaign, are sent in the order in which they were written.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Update,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from campaigns.ledger.moves import row_count
from campaigns.ledger.tables import STREAM, attempts, campaigns, contacts, deliveries, webhooks
from campaigns.lifecycle import DeliveryState, EventKind, WebhookState

PURGED_AT_ONCE = 5000
WAITS_AT_MOST = timedelta(days=30)  # for a webhook that is paused; then it is purged


def waits(rows: FromClause = deliveries) -> ColumnElement[bool]:
    """Whether these wait."""
    return _in_state(DeliveryState.PENDING, rows)


def _in_state(state: DeliveryState, rows: FromClause = deliveries) -> ColumnElement[bool]:
    """The word stands in the statement, or no store uses its index of those that wait, or have failed."""
    return rows.c.state == literal_column(f"'{state}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one webhook, with what the ledger knows now of the contact and the campaign it is about."""

    id: int
    event_id: str
    kind: EventKind
    campaign_id: str
    contact_id: int | None
    attempt_id: UUID | None
    at: datetime
    facts: Mapping[str, Any]
    reason: str | None
    tries: int
    campaign: Row[Any] | None
    contact: Row[Any] | None
    calls: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDelivery:
    """One event for one webhook, as `dialer webhooks deliveries` shows it."""

    id: int
    event_id: str
    kind: str
    campaign: str
    contact_id: int | None
    at: datetime
    state: DeliveryState
    tries: int
    next_at: datetime | None
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much waits for a webhook, and since when."""

    waiting: int
    oldest: datetime | None


def heads(db: Connection, webhook: str, now: datetime, limit: int, *, fresh_first: bool) -> list[Delivery]:
    """What may be sent now: of each contact, and of each campaign, the first event that waits.

    `fresh_first`: those that were never sent come before the others.
    """
    earlier = deliveries.alias("earlier")
    behind = exists().where(
        earlier.c.webhook == webhook,
        waits(earlier),
        earlier.c.subject == deliveries.c.subject,
        earlier.c.id < deliveries.c.id,
    )
    due = (deliveries.c.webhook == webhook, waits(), deliveries.c.next_at <= now, ~behind)
    order = (deliveries.c.tries, deliveries.c.id) if fresh_first else (deliveries.c.id,)
    return described(db, db.execute(select(deliveries).where(*due).order_by(*order).limit(limit)).all())


def described(db: Connection, rows: Sequence[Row[Any]]) -> list[Delivery]:
    """Events, each with what the ledger knows now of what it is about."""
    about = {name: {getattr(row, name) for row in rows} - {None} for name in ("campaign_id", "contact_id")}
    of_campaigns = _by_id(db, select(campaigns.c.id, campaigns.c.name, campaigns.c.rehearsal), about["campaign_id"])
    of_contacts = _by_id(db, select(contacts), about["contact_id"])
    over = {row.contact_id for row in rows if row.kind == EventKind.CONTACT_FINISHED}
    calls: dict[int, list[Row[Any]]] = {}
    if over:
        query = (
            select(attempts).where(attempts.c.contact_id.in_(over)).order_by(attempts.c.contact_id, attempts.c.number)
        )
        for call in db.execute(query):
            calls.setdefault(call.contact_id, []).append(call)
    return [
        Delivery(
            id=row.id,
            event_id=row.event_id,
            kind=EventKind(row.kind),
            campaign_id=row.campaign_id,
            contact_id=row.contact_id,
            attempt_id=row.attempt_id,
            at=row.at,
            facts=row.facts,
            reason=row.reason,
            tries=row.tries,
            campaign=of_campaigns.get(row.campaign_id),
            contact=of_contacts.get(row.contact_id),
            calls=calls.get(row.contact_id, ()) if row.kind == EventKind.CONTACT_FINISHED else (),
        )
        for row in rows
    ]


def _by_id(db: Connection, query: Select[Any], ids: Collection[Any]) -> dict[Any, Row[Any]]:
    return {row.id: row for row in db.execute(query.where(query.selected_columns.id.in_(list(ids))))} if ids else {}


def delivered(db: Connection, ids: Iterable[int], answer: str) -> int:
    """These have been taken; returns how many were waiting."""
    return row_count(db, _waiting(list(ids)).values(state=DeliveryState.DELIVERED, answer=answer))


def _waiting(ids: Sequence[int]) -> Update:
    return update(deliveries).where(deliveries.c.id.in_(ids), waits()).values(tries=deliveries.c.tries + 1)


def put_off(db: Connection, later: Mapping[int, tuple[datetime, str, DeliveryState]]) -> None:
    """These were not taken: each is sent again at its moment, or given up."""
    waiting = (deliveries.c.id == bindparam("which"), waits())
    changes = {name: bindparam(f"to_{name}", type_=deliveries.c[name].type) for name in ("next_at", "answer", "state")}
    statement = update(deliveries).where(*waiting).values(tries=deliveries.c.tries + 1, **changes)
    rows = [
        {"which": row_id, "to_next_at": next_at, "to_answer": answer, "to_state": state}
        for row_id, (next_at, answer, state) in sorted(later.items())
    ]
    db.execute(statement, rows)


def give_up_all(db: Connection, webhook: str, why: str) -> int:
    """Nothing that waits for this webhook is sent any more; returns how much that is."""
    pending = (deliveries.c.webhook == webhook, waits())
    return row_count(db, update(deliveries).where(*pending).values(state=DeliveryState.FAILED, answer=why))


def send_at_once(db: Connection, webhook: str, now: datetime) -> None:
    """Send what waits for this webhook without waiting for the moment of each."""
    later = (deliveries.c.webhook == webhook, waits(), deliveries.c.next_at > now)
    db.execute(update(deliveries).where(*later).values(next_at=now))


def replay(
    db: Connection,
    webhook: str,
    now: datetime,
    *,
    event_ids: Collection[str] = (),
    since: datetime | None = None,
    only_failed: bool = False,
) -> int:
    """Send events again, under the ids that they have had; returns how many."""
    which = [deliveries.c.webhook == webhook, ~waits()]
    if event_ids:
        which.append(deliveries.c.event_id.in_(list(event_ids)))
    if since is not None:
        which.append(deliveries.c.at >= since)
    if only_failed:
        which.append(_in_state(DeliveryState.FAILED))
    again = {"state": DeliveryState.PENDING, "tries": 0, "next_at": now, "waits_since": now}
    return row_count(db, update(deliveries).where(*which).values(**again))


def listed(
    db: Connection, webhook: str, *, state: DeliveryState | None = None, limit: int = 50, after: int | None = None
) -> list[ListedDelivery]:
    """The next `limit` events of a webhook after the row `after`, the newest first; only those in `state` if given."""
    query = select(deliveries).where(deliveries.c.webhook == webhook).order_by(deliveries.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_in_state(state))
    if after is not None:
        query = query.where(deliveries.c.id < after)
    return [
        ListedDelivery(
            id=row.id,
            event_id=row.event_id,
            kind=row.kind,
            campaign=row.campaign_id,
            contact_id=row.contact_id,
            at=row.at,
            state=DeliveryState(row.state),
            tries=row.tries,
            next_at=row.next_at if row.state == DeliveryState.PENDING else None,
            answer=row.answer,
        )
        for row in db.execute(query)
    ]


def backlogs(db: Connection) -> dict[str, Backlog]:
    """What waits for each webhook that anything waits for."""
    since = func.coalesce(deliveries.c.waits_since, deliveries.c.at)  # rows of before migration 0038 have none
    query = select(deliveries.c.webhook, func.count(), func.min(since)).where(waits())
    rows = db.execute(query.group_by(deliveries.c.webhook))
    return {name: Backlog(waiting=waiting, oldest=oldest) for name, waiting, oldest in rows}


def alert(
    db: Connection,
    kind: EventKind,
    now: datetime,
    *,
    subject: str,
    campaign_id: str = "",
    facts: Mapping[str, Any],
    reason: str,
    but: str = "",
) -> None:
    """Write an alert that no move of a row tells of, for every webhook that is told of such; not for the one `but`."""
    for name in [str(row.name) for row in db.execute(_subscribed(kind).where(webhooks.c.name != but))]:
        db.execute(
            insert(deliveries).values(
                webhook=name,
                event_id=new_event_id(),
                kind=kind,
                subject=subject,
                campaign_id=campaign_id,
                at=now,
                facts=dict(facts),
                reason=reason,
                state=DeliveryState.DELIVERED if name == STREAM else DeliveryState.PENDING,
                next_at=now,
                waits_since=now,
            )
        )


def new_event_id() -> str:
    """An id as the triggers make them."""
    return f"evt_{secrets.token_hex(16)}"


def alerted(db: Connection, kind: EventKind, campaign_id: str, *, subject: str | None = None) -> bool:
    """Whether such an alert of the campaign, about this subject if one is given, is in the ledger."""
    same = [deliveries.c.campaign_id == campaign_id, deliveries.c.kind == kind, deliveries.c.kind.like("alert.%")]
    if subject is not None:
        same.append(deliveries.c.subject == subject)
    return db.execute(select(literal(1)).where(*same).limit(1)).first() is not None


def anybody_subscribed(db: Connection, kind: EventKind) -> bool:
    """Whether a webhook is told of such events."""
    return db.execute(_subscribed(kind).limit(1)).first() is not None


def _subscribed(kind: EventKind) -> Select[tuple[str]]:
    """The webhooks that are told of such events, by name."""
    return select(webhooks.c.name).where(webhooks.c.state != WebhookState.ENDED, webhooks.c.kinds.contains(f" {kind} "))


def purge(db: Connection, *, before: datetime, now: datetime) -> int:
    """Delete events from before a moment that wait no more, and those that have waited for too long; some at a time."""
    over = or_(~waits(), deliveries.c.at < now - WAITS_AT_MOST)
    old = select(deliveries.c.id).where(deliveries.c.at < before, over).order_by(deliveries.c.at).limit(PURGED_AT_ONCE)
    return row_count(db, delete(deliveries).where(deliveries.c.id.in_(old)))
