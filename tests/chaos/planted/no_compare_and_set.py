"""A worker that dials whatever contacts it is told to, without asking whether they are still its own to dial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, select, update

from campaigns.dispatch import requests
from campaigns.ledger import claims
from campaigns.ledger.attempts import Opening, _attempt, _opened
from campaigns.ledger.claims import Claimed
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import ContactStatus
from workers.app import app

__all__ = ["app"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Claimed):
    """A contact under an id that is another at each delivery."""

    made: UUID = field(default_factory=uuid4)

    @property
    def attempt_id(self) -> UUID:
        return self.made


def whoever_was_named(db: Connection, claim: UUID, contact_ids: Sequence[int], now: datetime) -> list[Claimed]:
    rows = db.execute(select(contacts).where(contacts.c.id.in_(contact_ids)))
    return [_taken(row, claim, now) for row in rows]


def _taken(row: Any, claim: UUID, now: datetime) -> Taken:
    facts = {one.name: getattr(row, one.name) for one in fields(Claimed) if one.name != "contact_id"}
    facts |= {"claim": claim, "claimed_at": row.claimed_at or now, "lease_until": row.lease_until or now}
    return Taken(contact_id=row.id, **facts)


def open_whatever_comes(
    db: Connection, openings: Sequence[Opening], *, now: datetime, conclude_at: Mapping[str, datetime], **_gates: Any
) -> Any:
    by_contact = {opening.contact.contact_id: opening for opening in openings}
    opened = db.execute(
        update(contacts)
        .where(contacts.c.id.in_(by_contact))
        .values(status=ContactStatus.DIALING, tries=contacts.c.tries + 1, claim=None, lease_until=None, final_at=None)
        .returning(contacts.c.id, contacts.c.campaign_id, contacts.c.tries)
    ).all()
    if opened:
        db.execute(insert(attempts), [_attempt(by_contact[row.id], row, now, conclude_at) for row in opened])
    return [_opened(by_contact[row.id], now) for row in opened]


claims.still_claimed = whoever_was_named
requests.open_attempts = open_whatever_comes
