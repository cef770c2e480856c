"""Empties contacts whose time is over, and receipts: a few at a time, read first, then one short transaction.

A contact is emptied as an erasure does it, but is put on no list: who is in a later campaign is called there. Its
hash stays, so that an erasure finds it and a late receipt is emptied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    update,
)

from campaigns.ledger.lists.kept_campaigns import KeptCampaign
from campaigns.ledger.lists.rejected_rows import full_rejected_rows
from campaigns.ledger.moves import row_count
from campaigns.ledger.numbers.erasures import CONTENT, ERASED, NEARBY, TIMING, is_over, overwrite_deleted
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import (
    UtcTime,
    attempts,
    campaigns,
    contacts,
    erasures,
    receipts,
)
from campaigns.ledger.tallies import counted_reason
from campaigns.lifecycle import ENDED_CAMPAIGNS, AttemptStatus, ContactStatus
from campaigns.retention_periods import Kept

BY_OTHERS = (ContactStatus.WITHDRAWN, ContactStatus.SUPPRESSED, ContactStatus.REFUSED)  # whose reason others may write


@dataclass(frozen=True, slots=True)
class Page:
    """Contacts that are read together, and the receipts of their calls, with equal ones of their deliveries.

    `own` are those of their calls: of the others only the bodies are emptied.
    """

    phones: Mapping[int, str]
    receipt_ids: Sequence[int]
    own: frozenset[int]
    last: tuple[Any, ...]  # from where the next page goes on


def next_page(
    db: Connection, campaign: KeptCampaign, kept: Kept, before: datetime, limit: int, after: tuple[Any, ...] | None
) -> Page | None:
    """The next contacts of which this is still kept, in the order of an index; None after the last. Locks nothing.

    Of a campaign that goes on, those that ended until `before`.
    """
    place = (contacts.c.status, contacts.c.due_at, contacts.c.id)
    query = select(*place, contacts.c.phone).where(*_still(campaign, kept, before), is_over())
    if after is not None:
        status, due_at, contact_id = after
        query = query.where(tuple_(*place) > tuple_(literal(status), literal(due_at, UtcTime), literal(contact_id)))
    rows = db.execute(query.order_by(*place).limit(limit)).all()
    if not rows:
        return None
    phones = {row.id: row.phone for row in rows}
    with_receipts = kept in (Kept.CONTACTS, Kept.RECEIPTS)
    ids, own = _receipts_of(db, list(phones)) if with_receipts else ([], frozenset())
    return Page(phones=phones, receipt_ids=ids, own=own, last=tuple(rows[-1][:3]))


def empty(db: Connection, ledger: Ledger, campaign: KeptCampaign, kept: Kept, phones: Mapping[int, str]) -> int | None:
    """Empty these contacts, or their texts; returns how many. None: one of them is not over any more."""
    overwrite_deleted(db)
    over = _lock_over(db, campaign, list(phones))
    if len(over) < len(phones):
        return None
    if kept is Kept.TEXTS:
        return row_count(db, update(contacts).where(contacts.c.id.in_(over)).values(text=None, voice=None))
    hashes = [{"contact": contact_id, "hash": ledger.keyed_hash(phones[contact_id])} for contact_id in over]
    db.execute(_emptied_contact(db), hashes)
    nothing = {"detail": None, "local_time": None, "zone": None}
    db.execute(update(attempts).where(attempts.c.contact_id.in_(over)).values(**nothing))
    return len(over)


def is_left(db: Connection, campaign: KeptCampaign, kept: Kept, before: datetime) -> bool:
    """Whether a contact of the campaign, or with those a rejected row, still has this."""
    if kept is Kept.CONTACTS and campaign.ended_at and full_rejected_rows(db, campaign.id, 1):
        return True
    return db.execute(select(contacts.c.id).where(*_still(campaign, kept, before)).limit(1)).first() is not None


def counts(db: Connection, campaign: KeptCampaign, kept: Kept, before: datetime) -> int:
    """How many contacts of the campaign still have this; for receipts, how many bodies there are."""
    if kept is Kept.RECEIPTS:
        calls = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id)
        full = (receipts.c.attempt_id.in_(calls.where(*_still(campaign, kept, before))), _is_full())
        return db.scalar(select(func.count()).select_from(receipts).where(*full)) or 0
    return db.scalar(select(func.count()).select_from(contacts).where(*_still(campaign, kept, before))) or 0


def first_end(db: Connection, campaign: KeptCampaign, kept: Kept) -> datetime | None:
    """When the first of the contacts ended of which this is still kept; None where none has."""
    still = select(func.min(contacts.c.final_at)).where(contacts.c.campaign_id == campaign.id, _is_kept(kept))
    first: datetime | None = db.scalar(still)
    return first


def unmatched_before(db: Connection, before: datetime, limit: int) -> list[int]:
    """Receipts that belong to no call of ours, came before this moment, and are not emptied."""
    old = (receipts.c.attempt_id.is_(None), receipts.c.received_at < before, _is_full())
    return list(db.scalars(select(receipts.c.id).where(*old).order_by(receipts.c.id).limit(limit)))


def empty_receipts(db: Connection, ids: Sequence[int], own: frozenset[int]) -> int:
    """Empty the bodies of these receipts, and what was pressed of those in `own`; returns how many."""
    overwrite_deleted(db)
    pressed = case((receipts.c.id.in_(own.intersection(ids)), null()), else_=receipts.c.pressed)
    return row_count(db, update(receipts).where(receipts.c.id.in_(ids)).values(body=ERASED, pressed=pressed))


def _still(campaign: KeptCampaign, kept: Kept, before: datetime) -> list[ColumnElement[bool]]:
    """The contacts of a campaign whose time may be over, and of which this is still kept."""
    of_campaign = [contacts.c.campaign_id == campaign.id, _is_kept(kept)]
    return of_campaign if campaign.ended_at else [*of_campaign, contacts.c.final_at <= before]


def _is_full() -> ColumnElement[bool]:
    """Whether a receipt row still has what came."""
    return or_(receipts.c.body != ERASED, receipts.c.pressed.is_not(null()))


def _is_kept(kept: Kept) -> ColumnElement[bool]:
    """Whether a contact row still has this."""
    match kept:
        case Kept.TEXTS:
            return or_(contacts.c.text.is_not(None), contacts.c.voice.is_not(None))
        case Kept.RECEIPTS:
            calls = select(attempts.c.id).where(attempts.c.contact_id == contacts.c.id).correlate(contacts)
            return and_(contacts.c.tries > 0, exists().where(receipts.c.attempt_id.in_(calls), _is_full()))
        case _:
            return and_(contacts.c.phone.startswith("+"), ~exists().where(erasures.c.contact_id == contacts.c.id))


def _receipts_of(db: Connection, contact_ids: Sequence[int]) -> tuple[list[int], frozenset[int]]:
    """The receipts of these contacts' calls that are not emptied, and equal bodies that came in the same deliveries.

    The second are those of their calls alone.
    """
    calls = select(attempts.c.id).where(attempts.c.contact_id.in_(contact_ids))
    full = (receipts.c.attempt_id.in_(calls), _is_full())
    rows = db.execute(select(receipts.c.id, receipts.c.body).where(*full).order_by(receipts.c.id)).all()
    own = frozenset(row.id for row in rows)
    ids = set(own)
    for first, last, bodies in _stretches([row for row in rows if row.body != ERASED]):
        near = (receipts.c.id.between(first - NEARBY, last + NEARBY), receipts.c.body.in_(bodies))
        ids |= set(db.scalars(select(receipts.c.id).where(*near)))
    return sorted(ids), own


def _stretches(rows: Sequence[Any]) -> Iterator[tuple[int, int, list[str]]]:
    """These receipts in stretches without wide gaps, so that little else is looked through."""
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at].id - rows[at - 1].id > 2 * NEARBY:
            stretch = rows[start:at]
            yield stretch[0].id, stretch[-1].id, sorted({row.body for row in stretch})
            start = at


def _lock_over(db: Connection, campaign: KeptCampaign, contact_ids: Sequence[int]) -> list[int]:
    """Those of the contacts that change no more, locked: attempts first, as settlement does it."""
    if db.dialect.name == "postgresql":
        calls = select(attempts.c.id).where(attempts.c.contact_id.in_(contact_ids))
        db.execute(calls.order_by(attempts.c.id).with_for_update()).all()
        own = select(contacts.c.id).where(contacts.c.id.in_(contact_ids))
        db.execute(own.order_by(contacts.c.id).with_for_update()).all()
    over = select(contacts.c.id).where(contacts.c.id.in_(contact_ids), is_over())
    redialed = campaigns.alias("redialed")
    goes_on = exists().where(redialed.c.redial_of == campaign.id, redialed.c.status.not_in(ENDED_CAMPAIGNS))
    if campaign.ended_at:
        over = over.where(exists().where(campaigns.c.id == campaign.id, campaigns.c.status.in_(ENDED_CAMPAIGNS)))
    over = over.where(~goes_on)
    return list(db.scalars(over.order_by(contacts.c.id)))


def _emptied_contact(db: Connection) -> Any:
    """Empties one contact; its attempts are emptied after it.

    A reason that the program wrote stays, but for a number in it: figures count by it. One that somebody else wrote,
    an operator or the provider, may be about the person.
    """
    provider_words = (attempts.c.status == AttemptStatus.NOT_PLACED, attempts.c.detail.is_not(None))
    quoted = exists().where(attempts.c.contact_id == contacts.c.id, *provider_words)
    of_others = or_(
        *(contacts.c.status == status for status in BY_OTHERS),
        and_(contacts.c.status == ContactStatus.UNREACHED, quoted),
    )
    reason = case((of_others, ERASED), else_=counted_reason(db, contacts.c.reason))
    emptied = {"phone": bindparam("hash"), "phone_hash": bindparam("hash"), "reason": reason, **CONTENT, **TIMING}
    return update(contacts).where(contacts.c.id == bindparam("contact")).values(**emptied)
