"""Status moves, each in one statement that carries the prior status, so that a late word changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Delete, Update, insert, select, update

from campaigns import lifecycle
from campaigns.ledger.tables import attempts, audit, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus


def move_attempt(db: Connection, attempt_id: UUID, to: AttemptStatus, **facts: Any) -> bool:
    """Move an attempt along its lifecycle; False if it has already gone past."""
    return moved(
        db,
        update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.status.in_(lifecycle.attempts_before(to)))
        .values(status=to, **facts),
    )


def move_contact(db: Connection, contact_id: int, to: ContactStatus, now: datetime, **facts: Any) -> bool:
    """Move a contact along its lifecycle; False if it has already gone past. A final status is stamped."""
    if to in lifecycle.FINAL_CONTACTS:
        facts = {"final_at": now, "claim": None, "lease_until": None, **facts}
    return moved(
        db,
        update(contacts)
        .where(contacts.c.id == contact_id, contacts.c.status.in_(lifecycle.contacts_before(to)))
        .values(status=to, **facts),
    )


def hold_contact(db: Connection, contact_id: int) -> None:
    """Let nobody else move a contact before this transaction ends: what is read from here on holds until then."""
    db.execute(select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update())


def move_campaign(
    db: Connection,
    campaign_id: str,
    to: CampaignStatus,
    now: datetime,
    *,
    who: str,
    reason: str | None = None,
    only_from: Sequence[CampaignStatus] | None = None,
) -> bool:
    """Move a campaign, leaving an audit line that says who and why; False when its status does not allow it.

    `only_from` narrows the statuses it may come from.
    """
    stamps: Mapping[CampaignStatus, dict[str, datetime]] = {
        CampaignStatus.FINISHED: {"finished_at": now},
        CampaignStatus.CANCELLED: {"finished_at": now},
    }
    done = moved(
        db,
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.status.in_(only_from or lifecycle.campaigns_before(to)))
        .values(status=to, reason=reason, since=now, held_by=None, held_until=None, **stamps.get(to, {})),
    )
    if done:
        note(db, now, who=who, event=f"campaign {to}", campaign_id=campaign_id, detail=reason or "")
    return done


def note(
    db: Connection, now: datetime, *, who: str, event: str, campaign_id: str | None = None, detail: str = ""
) -> None:
    """Leave an audit line."""
    db.execute(insert(audit).values(at=now, who=who, event=event, campaign_id=campaign_id, detail=detail))


def moved(db: Connection, statement: Update) -> bool:
    """Run a compare-and-set; True when it found what it expected."""
    return touched(db, statement) == 1


def touched(db: Connection, statement: Update | Delete) -> int:
    """Run an update or a delete; how many rows it changed."""
    result: CursorResult[Any] = db.execute(statement)
    return result.rowcount
