"""Webhooks as the ledger has them, and every statement that changes one."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, or_, select, update

from campaigns.ledger.deliveries import waits
from campaigns.ledger.moves import row_count, updated_one, write_audit
from campaigns.ledger.tables import STREAM, deliveries, webhooks
from campaigns.lifecycle import EventKind, Included, WebhookState
from dialer.errors import DialerError

MAX_SHOWN = 60
IS_SENT = webhooks.c.name != STREAM


class NoSuchWebhook(DialerError):
    """The ledger has no webhook of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told what happens, and how it stands."""

    name: str
    url: str
    kinds: tuple[EventKind, ...]
    include: frozenset[Included]
    salt: str = field(repr=False)
    old_salt: str | None = field(repr=False)
    old_until: datetime | None
    state: WebhookState
    reason: str
    since: datetime
    added_by: str
    added_at: datetime
    failing_since: datetime | None
    failures: int
    next_at: datetime
    last_answer: str
    delivered: int
    refused: int
    given_up: int

    @property
    def is_troubled(self) -> bool:
        """Whether it is paused, has ended, or takes nothing."""
        return self.failing_since is not None or self.state is not WebhookState.ACTIVE

    def salts(self, now: datetime) -> list[str]:
        """The salts of the secrets that sign at this moment, the newest first."""
        overlaps = self.old_salt is not None and self.old_until is not None and now < self.old_until
        return [self.salt, *([self.old_salt] if overlaps and self.old_salt else [])]


def add(
    db: Connection,
    name: str,
    url: str,
    kinds: Collection[EventKind],
    include: Collection[Included],
    *,
    who: str,
    now: datetime,
) -> Webhook | None:
    """Add a webhook; None when there is one of that name."""
    if db.execute(select(webhooks.c.name).where(webhooks.c.name == name)).first():
        return None
    db.execute(
        insert(webhooks).values(
            name=name,
            url=url,
            kinds=f" {' '.join(kind for kind in EventKind if kind in kinds)} ",
            include=sorted(include),
            salt=_new_salt(),
            state=WebhookState.ACTIVE,
            reason=f"added by {who}",
            since=now,
            added_by=who,
            added_at=now,
            next_at=now,
        )
    )
    write_audit(db, now, who=who, event="webhook added", detail=name)
    return webhook(db, name)


def _new_salt() -> str:
    return secrets.token_urlsafe(24)


def webhook(db: Connection, name: str) -> Webhook:
    """A webhook by its name. Raises NoSuchWebhook, which names those that exist."""
    row = db.execute(select(webhooks).where(webhooks.c.name == name, IS_SENT)).first() if name.isprintable() else None
    if row is None:
        known = names(db)
        remedy = f"there are: {', '.join(known)}" if known else "add one with `dialer webhooks add`"
        raise NoSuchWebhook(f"no webhook {name[:MAX_SHOWN]!r}", remedy)
    return _webhook(row)


def all_webhooks(db: Connection) -> list[Webhook]:
    """Every webhook, by name."""
    return [_webhook(row) for row in db.execute(select(webhooks).where(IS_SENT).order_by(webhooks.c.name))]


def names(db: Connection) -> Sequence[str]:
    """The name of every webhook, in their order."""
    return db.scalars(select(webhooks.c.name).where(IS_SENT).order_by(webhooks.c.name)).all()


def _webhook(row: Row[Any]) -> Webhook:
    facts = {name: row._mapping[name] for name in Webhook.__dataclass_fields__}
    facts["kinds"] = tuple(map(EventKind, facts["kinds"].split()))
    facts["include"] = frozenset(map(Included, facts["include"]))
    facts["state"] = WebhookState(facts["state"])
    return Webhook(**facts)


def rotate(db: Connection, name: str, *, old_until: datetime, who: str, now: datetime) -> Webhook:
    """Give the webhook a new secret; the one before signs too until `old_until`. Raises NoSuchWebhook."""
    before = webhook(db, name)
    new = {"salt": _new_salt(), "old_salt": before.salt, "old_until": old_until}
    db.execute(update(webhooks).where(webhooks.c.name == name).values(**new))
    write_audit(db, now, who=who, event="webhook secret rotated", detail=name)
    return webhook(db, name)


def remove(db: Connection, name: str, *, who: str, now: datetime) -> int:
    """Remove a webhook and what waits for it; returns how many events were waiting. Raises NoSuchWebhook."""
    webhook(db, name)
    lost = db.scalar(select(func.count()).where(deliveries.c.webhook == name, waits())) or 0
    db.execute(delete(webhooks).where(webhooks.c.name == name))
    db.execute(delete(deliveries).where(deliveries.c.webhook == name))
    write_audit(db, now, who=who, event="webhook removed", detail=name)
    return lost


def move(db: Connection, name: str, to: WebhookState, now: datetime, *, who: str, reason: str) -> bool:
    """Move a webhook to a state and write an audit line; False when it has that state, or has ended.

    One that goes on is tried at once, as if it had never failed.
    """
    before = and_(webhooks.c.name == name, webhooks.c.state.not_in([to, WebhookState.ENDED]))
    fresh = {"failing_since": None, "failures": 0, "next_at": now} if to is WebhookState.ACTIVE else {}
    moved = updated_one(db, update(webhooks).where(before).values(state=to, reason=reason, since=now, **fresh))
    if moved:
        write_audit(db, now, who=who, event=f"webhook {to}", detail=f"{name}: {reason}")
    return moved


def claim(db: Connection, now: datetime, lease_until: datetime) -> tuple[UUID, Sequence[str]]:
    """Lease every webhook that has something to be sent and that no task delivers to; returns the lease and names."""
    lease = uuid4()
    leased = update(webhooks).where(has_due(now)).values(lease=lease, lease_until=lease_until)
    return lease, sorted(db.scalars(leased.returning(webhooks.c.name)))


def has_due(now: datetime) -> ColumnElement[bool]:
    """Whether the webhook of the enclosing statement has something to be sent, and no task delivers to it."""
    waiting = exists().where(
        deliveries.c.webhook == webhooks.c.name,
        waits(),
        deliveries.c.next_at <= now,
    )
    free = or_(webhooks.c.lease_until.is_(None), webhooks.c.lease_until <= now)
    return and_(webhooks.c.state == WebhookState.ACTIVE, webhooks.c.next_at <= now, free, waiting)


def leased(db: Connection, name: str, lease: UUID) -> Webhook | None:
    """The webhook, if this lease still holds it and it is active."""
    held = (webhooks.c.name == name, webhooks.c.lease == lease, webhooks.c.state == WebhookState.ACTIVE)
    row = db.execute(select(webhooks).where(*held)).first()
    return None if row is None else _webhook(row)


def any_due(db: Connection, now: datetime) -> bool:
    """Whether `claim` would lease any."""
    return db.execute(select(webhooks.c.name).where(has_due(now)).limit(1)).first() is not None


def keep(db: Connection, name: str, lease: UUID, /, **facts: Any) -> bool:
    """Write how a webhook stands, if this lease still holds it."""
    held = (webhooks.c.name == name, webhooks.c.lease == lease)
    return row_count(db, update(webhooks).where(*held).values(**facts)) == 1


def count(db: Connection, name: str, lease: UUID, *, delivered: int, refused: int, given_up: int, **facts: Any) -> bool:
    """As `keep`, and count what became of some requests."""
    counts = {"delivered": delivered, "refused": refused, "given_up": given_up}
    sums = {column: webhooks.c[column] + number for column, number in counts.items()}
    return keep(db, name, lease, **facts, **sums)


def as_failing(before: Webhook, now: datetime, wait: timedelta) -> dict[str, Any]:
    """The columns of a webhook to which nothing could be delivered."""
    return {
        "failing_since": before.failing_since or now,
        "failures": before.failures + 1,
        "next_at": now + wait,
    }
