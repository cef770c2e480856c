"""Opens attempts for claimed contacts. One statement also checks whether each may be called at this moment.

The campaign runs, and the contact is due, not suppressed, under its frequency caps and not past its `not_after`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Exists, String, and_, bindparam, exists, insert, or_, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from campaigns.definition.sections.frequency import Cap
from campaigns.ledger.claims import Claimed
from campaigns.ledger.frequency_caps import lock_numbers, under_the_caps
from campaigns.ledger.suppressions import suppressed
from campaigns.ledger.tables import UtcTime, attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is written about an attempt before its request leaves."""

    contact: Claimed
    account: str
    provider: str
    caller_id: str
    script_seconds: float
    send_at: datetime | None = None
    local_time: str | None = None
    allowed_by: str | None = None


def open_attempts(
    db: Connection, openings: Sequence[Opening], *, now: datetime, conclude_at: datetime, caps: Sequence[Cap] = ()
) -> set[UUID]:
    """Move claimed contacts to `dialing` and write their attempts; returns the ids of the attempts that may be sent.

    The same statement checks the rules that the ledger knows: the claim still holds, the campaign is running, the
    contact is not suppressed and not past its `not_after`, and it is due and under the frequency caps when the call is
    to be placed (now, or at its `send_at`). Commit before sending anything.
    """
    if not openings:
        return set()
    if caps:
        lock_numbers(db, [opening.contact.phone for opening in openings])
    by_contact = {opening.contact.contact_id: opening for opening in openings}
    statement = _opening_now()
    if caps or any(opening.send_at for opening in openings):
        statement = _opening().where(_at_its_moment(openings, caps, now))
    facts = {
        "opening_ids": list(by_contact),
        "opening_claims": list({opening.contact.claim for opening in openings}),
        "opening_account": openings[0].account,
        "opening_at": now,
    }
    opened = db.execute(statement, facts).all()
    if opened:
        db.execute(insert(attempts), [_attempt(by_contact[row.id], row, now, conclude_at) for row in opened])
    return {by_contact[row.id].contact.attempt_id for row in opened}


@cache
def _opening() -> ReturningUpdate[Any]:
    """Kept, for it takes as long to build as to run."""
    now = bindparam("opening_at", type_=UtcTime())
    return (
        update(contacts)
        .where(
            contacts.c.id.in_(bindparam("opening_ids", expanding=True)),
            contacts.c.claim.in_(bindparam("opening_claims", expanding=True)),
            contacts.c.status == ContactStatus.CLAIMED,
            contacts.c.lease_until > now,
            or_(contacts.c.not_after.is_(None), contacts.c.not_after > now),
            _campaign_running(),
            ~suppressed(bindparam("opening_account", type_=String()), now),
        )
        .values(status=ContactStatus.DIALING, tries=contacts.c.tries + 1, claim=None, lease_until=None)
        .returning(contacts.c.id, contacts.c.campaign_id, contacts.c.tries)
    )


@cache
def _opening_now() -> ReturningUpdate[Any]:
    return _opening().where(contacts.c.due_at <= bindparam("opening_at", type_=UtcTime()))


def _at_its_moment(openings: Sequence[Opening], caps: Sequence[Cap], now: datetime) -> ColumnElement[bool]:
    """Whether a contact is due, and under the caps, at the moment at which its call is to be placed."""
    ids_by_moment: dict[datetime, list[int]] = {}
    for opening in openings:
        ids_by_moment.setdefault(opening.send_at or now, []).append(opening.contact.contact_id)
    return or_(
        *(
            and_(
                contacts.c.id.in_(ids),
                contacts.c.due_at <= moment,
                under_the_caps(caps, moment) if caps else true(),
            )
            for moment, ids in ids_by_moment.items()
        )
    )


def _attempt(opening: Opening, row: object, now: datetime, conclude_at: datetime) -> dict[str, object]:
    return {
        "id": opening.contact.attempt_id,
        "contact_id": opening.contact.contact_id,
        "campaign_id": row.campaign_id,  # type: ignore[attr-defined]
        "number": row.tries,  # type: ignore[attr-defined]
        "account": opening.account,
        "provider": opening.provider,
        "caller_id": opening.caller_id,
        "status": AttemptStatus.DIALING,
        "zone": opening.contact.zone,
        "local_time": opening.local_time,
        "allowed_by": opening.allowed_by,
        "scheduled_at": opening.contact.due_at,
        "queued_at": opening.contact.claimed_at,
        "dialing_at": now,
        "conclude_at": conclude_at,
        "send_at": opening.send_at,
        "script_seconds": opening.script_seconds,
    }


def _campaign_running() -> Exists:
    return exists().where(campaigns.c.id == contacts.c.campaign_id, campaigns.c.status == CampaignStatus.RUNNING)
