"""Which parts of a sweep have something to do, asked in one statement: most sweeps find nothing.

A part may be named that then does nothing; none is left out that would do something.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Exists, Select, Table, bindparam, exists, or_, select

from campaigns.ledger.claims import CLOCKS_APART
from campaigns.ledger.lists.idempotency import KEPT
from campaigns.ledger.tables import (
    IS_LEAVING,
    UNFOLDED,
    attempts,
    audit,
    campaigns,
    contacts,
    erasures,
    halts,
    idempotency_keys,
    receipts,
)
from campaigns.ledger.tallies import FOLD_FROM, TALLIES
from campaigns.lifecycle import (
    FINISHABLE_CAMPAIGNS,
    FOLLOWED_ATTEMPTS,
    OPEN_CONTACTS,
    WAITING_CONTACTS,
    AttemptStatus,
    CampaignStatus,
    ContactStatus,
)
from campaigns.settlement.receipts import UNMATCHED_KEPT

PARTS = frozenset(
    {
        *("claims_returned", "receipts applied", "receipts forgotten", "drafts cleared", "marked_unconfirmed"),
        *("concluded", "erased", "tallies folded", "withdrawn", "keys forgotten", "finished", "audit chained"),
        "resumed",
    }
)
"""The parts that are asked for; a sweep runs its other parts each time: they ask by themselves, now and then."""


def parts_due(db: Connection, now: datetime, earliest: datetime) -> frozenset[str]:
    """The names of the parts of `PARTS` that may have something to do; `earliest` is the earliest that it may be."""
    moments = {"now": now, "earliest": earliest, "ahead": now + CLOCKS_APART}
    moments |= {"keys_until": now - KEPT, "receipts_until": now - UNMATCHED_KEPT}
    row = db.execute(_question(), moments).one()
    return frozenset(name for name, due in zip(_conditions(), row, strict=True) if due)


@cache
def _question() -> Select[*tuple[Any, ...]]:
    """Kept: to make it takes longer than to ask it."""
    return select(*(condition.label(f"part{place}") for place, condition in enumerate(_conditions().values())))


@cache
def _conditions() -> Mapping[str, ColumnElement[bool]]:
    """By part: that something in the store waits for it."""
    now: BindParameter[datetime] = bindparam("now")
    late = attempts.c.conclude_at <= now
    unapplied = receipts.c.applied_at.is_(None)
    lease_over = or_(contacts.c.lease_until <= now, contacts.c.claimed_at > bindparam("ahead"))
    leased = (contacts.c.lease_until.is_not(None), contacts.c.status == ContactStatus.CLAIMED)
    return {
        "claims_returned": exists().where(*leased, lease_over),
        "receipts applied": exists().where(unapplied),
        "receipts forgotten": exists().where(unapplied, receipts.c.received_at <= bindparam("receipts_until")),
        "drafts cleared": exists().where(campaigns.c.status == CampaignStatus.DRAFT),
        "marked_unconfirmed": exists().where(attempts.c.status == AttemptStatus.DIALING, late),
        "concluded": exists().where(attempts.c.status.in_(FOLLOWED_ATTEMPTS), late),
        "erased": exists(erasures.c.contact_id),
        "tallies folded": or_(*map(_many_unfolded, TALLIES)),
        "withdrawn": exists(contacts.c.id).where(IS_LEAVING, contacts.c.status.in_(WAITING_CONTACTS)),
        "keys forgotten": exists().where(idempotency_keys.c.at <= bindparam("keys_until")),
        "finished": or_(_expired(), _left_of_cancelled(), _over()),
        "audit chained": exists().where(audit.c.place.is_(None)),
        "resumed": or_(
            exists(halts.c.campaign_id),
            exists().where(campaigns.c.status == CampaignStatus.RUNNING, campaigns.c.held_until.is_not(None)),
            exists().where(campaigns.c.returns_at.is_not(None)),
        ),
    }


def _many_unfolded(table: Table) -> Exists:
    return select(table.c.id).where(UNFOLDED).offset(FOLD_FROM).limit(1).exists()


def _expired() -> Exists:
    return exists().where(contacts.c.not_after <= bindparam("earliest"), contacts.c.final_at.is_(None))


def _left_of_cancelled() -> Exists:
    waiting = exists().where(contacts.c.campaign_id == campaigns.c.id, contacts.c.status.in_(WAITING_CONTACTS))
    return exists().where(campaigns.c.status == CampaignStatus.CANCELLED, waiting)


def _over() -> Exists:
    still_open = (
        exists().where(contacts.c.campaign_id == campaigns.c.id, contacts.c.status == status)
        for status in reversed(OPEN_CONTACTS)  # the first is found at once
    )
    over = or_(campaigns.c.ends_at <= bindparam("earliest"), ~or_(*still_open))
    return exists().where(campaigns.c.status.in_(FINISHABLE_CAMPAIGNS), over)
