"""Opens attempts for claimed contacts. One statement also checks whether each may be called at this moment.

The campaign runs, and the contact is due, not suppressed, under its frequency caps and not past its `not_after`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Exists,
    Insert,
    ScalarSelect,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from campaigns.definition.sections.frequency import Cap
from campaigns.ledger.claims import Claimed
from campaigns.ledger.moves import among
from campaigns.ledger.numbers.frequency_caps import lock_numbers, under_the_caps
from campaigns.ledger.numbers.suppressions import suppressed
from campaigns.ledger.tables import UtcTime, attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from dialer.prices import CallPrice

PRICE = ("currency", "call_price", "part_price", "part_seconds", "kept_back")


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
    reminder: int | None = None
    variant: str | None = None
    price: CallPrice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An attempt as it was opened, for who settles it by the answer to its request."""

    id: UUID
    contact_id: int
    dialing_at: datetime
    send_at: datetime | None


def open_attempts(
    db: Connection,
    openings: Sequence[Opening],
    *,
    now: datetime,
    conclude_at: Mapping[str, datetime],
    caps: Sequence[Cap] = (),
) -> list[Opened]:
    """Move claimed contacts to `dialing` and write their attempts; returns the attempts that may be sent.

    The same statement checks the rules that the ledger knows: the claim still holds, the campaign is running and calls
    from this account, the contact is not suppressed and not past its `not_after`, and it is due and under the frequency
    caps when the call is to be placed (now, or at its `send_at`). Commit before sending anything. `conclude_at` is by
    account; with `caps` all are of one campaign.
    """
    if not openings:
        return []
    if caps:
        lock_numbers(db, [opening.contact.phone for opening in openings])
    by_contact = {opening.contact.contact_id: opening for opening in openings}
    arrays = db.dialect.name == "postgresql"
    statement = _opening_now(arrays=arrays)
    if caps or any(opening.send_at for opening in openings):
        statement = _opening(arrays=arrays).where(_at_its_moment(openings, caps, now))
    facts = {
        "opening_ids": list(by_contact),
        "opening_claims": list({opening.contact.claim for opening in openings}),
        "opening_campaigns": sorted({f"{opening.contact.campaign_id} {opening.account}" for opening in openings}),
        "opening_at": now,
    }
    opened = db.execute(statement, facts).all()
    if opened:
        _insert(db, [_attempt(by_contact[row.id], row, now, conclude_at) for row in opened], arrays=arrays)
    return [_opened(by_contact[row.id], now) for row in opened]


def _opened(opening: Opening, now: datetime) -> Opened:
    contact = opening.contact
    return Opened(id=contact.attempt_id, contact_id=contact.contact_id, dialing_at=now, send_at=opening.send_at)


def _insert(db: Connection, rows: Sequence[Mapping[str, object]], *, arrays: bool) -> None:
    if arrays:
        db.execute(_insert_of_arrays(tuple(rows[0])), {name: [row[name] for row in rows] for name in rows[0]})
    else:
        db.execute(insert(attempts), rows)


@cache
def _insert_of_arrays(names: Sequence[str]) -> Insert:
    """A column of all rows in one array each: PostgreSQL takes one statement for all."""
    arrays = (bindparam(name, type_=ARRAY(attempts.c[name].type)) for name in names)
    opened = func.unnest(*arrays).table_valued(*names).render_derived(name="opened")
    return insert(attempts).from_select(list(names), select(*(opened.c[name] for name in names)))


@cache
def _opening(*, arrays: bool) -> ReturningUpdate[Any]:
    """Kept, for it takes as long to build as to run."""
    now = bindparam("opening_at", type_=UtcTime())
    return (
        update(contacts)
        .where(
            among(contacts.c.id, "opening_ids", arrays=arrays),
            among(contacts.c.claim, "opening_claims", arrays=arrays),
            contacts.c.status == ContactStatus.CLAIMED,
            contacts.c.lease_until > now,
            or_(contacts.c.not_after.is_(None), contacts.c.not_after > now),
            contacts.c.withdrawal.is_(None),
            _campaign_running(arrays=arrays),
            ~suppressed(_account(), now),
        )
        .values(status=ContactStatus.DIALING, tries=contacts.c.tries + 1, claim=None, lease_until=None, reason=None)
        .returning(contacts.c.id, contacts.c.campaign_id, contacts.c.tries)
    )


@cache
def _opening_now(*, arrays: bool) -> ReturningUpdate[Any]:
    return _opening(arrays=arrays).where(contacts.c.due_at <= bindparam("opening_at", type_=UtcTime()))


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


def _attempt(opening: Opening, row: object, now: datetime, conclude_at: Mapping[str, datetime]) -> dict[str, object]:
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
        "conclude_at": conclude_at[opening.account],
        "send_at": opening.send_at,
        "script_seconds": opening.script_seconds,
        "reminder": opening.reminder,
        "variant": opening.variant,
        **_price(opening.price),
    }


def _price(price: CallPrice | None) -> dict[str, object]:
    if price is None:
        return dict.fromkeys(PRICE)
    return dict(zip(PRICE, price, strict=True))


def _campaign_running(*, arrays: bool) -> Exists:
    """Whether the contact's campaign runs, and calls from the account of its opening."""
    here = among(campaigns.c.id + " " + campaigns.c.account, "opening_campaigns", arrays=arrays)
    return exists().where(campaigns.c.id == contacts.c.campaign_id, campaigns.c.status == CampaignStatus.RUNNING, here)


def _account() -> ScalarSelect[str]:
    return (
        select(campaigns.c.account)
        .where(campaigns.c.id == contacts.c.campaign_id)
        .correlate(contacts)
        .scalar_subquery()
    )
