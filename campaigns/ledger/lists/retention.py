"""Empties ended campaigns, a few contacts at a time: read first, then one short transaction.

A contact is emptied as an erasure does it, but is put on no list: who is in a later campaign is called there. Its
hash stays, so that an erasure finds it and a late receipt is emptied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.lists.redials import other_campaigns
from campaigns.ledger.moves import row_count
from campaigns.ledger.numbers.erasures import CONTENT, ERASED, NEARBY, TIMING, is_over
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import (
    UtcTime,
    attempts,
    campaigns,
    contact_tallies,
    contacts,
    erasures,
    receipts,
    retention_done,
    ticks,
)
from campaigns.ledger.tallies import counted_reason, forget_none
from campaigns.lifecycle import ENDED_CAMPAIGNS, AttemptStatus, ContactStatus
from campaigns.retention_periods import Kept, Retention

BY_OTHERS = (ContactStatus.WITHDRAWN, ContactStatus.SUPPRESSED, ContactStatus.REFUSED)  # whose reason others may write
DAILY, AT_WORK = "retention", "retention at work"  # in `ticks`
TURN = timedelta(minutes=15)  # for which nobody else takes the day's run


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCampaign:
    """A campaign that is over. `ended_at` is its end, or that of the last redial of its contacts."""

    id: str
    ended_at: datetime
    own: Retention
    done: frozenset[Kept]


@dataclass(frozen=True, slots=True)
class Page:
    """Contacts that are read together, and the receipts of their calls, with equal ones of their deliveries."""

    phones: Mapping[int, str]
    receipt_ids: Sequence[int]
    last: tuple[Any, ...]  # from where the next page goes on


def ended_campaigns(db: Connection) -> Iterator[EndedCampaign]:
    """Every campaign that is over, with its redials, and still has contacts that are not emptied; the oldest first."""
    emptied = exists().where(retention_done.c.campaign_id == campaigns.c.id, retention_done.c.kept == Kept.CONTACTS)
    columns = (campaigns.c.id, campaigns.c.definition, campaigns.c.finished_at)
    ended = select(*columns).where(campaigns.c.status.in_(ENDED_CAMPAIGNS), ~emptied)
    for row in db.execute(ended.order_by(campaigns.c.finished_at, campaigns.c.id)).all():
        ended_at = _end_of_all(db, row.id, row.finished_at)
        if ended_at is not None:
            yield EndedCampaign(id=row.id, ended_at=ended_at, own=retention_of(row.definition), done=_done(db, row.id))


def retention_of(definition_text: str) -> Retention:
    """What a stored definition says, which is read for this alone."""
    return Retention.model_validate(json.loads(definition_text).get("retention") or {})


def next_page(db: Connection, campaign_id: str, kept: Kept, limit: int, after: tuple[Any, ...] | None) -> Page | None:
    """The next contacts of which this is still kept, in the order of an index; None after the last. Locks nothing."""
    place = (contacts.c.status, contacts.c.due_at, contacts.c.id)
    query = select(*place, contacts.c.phone).where(contacts.c.campaign_id == campaign_id, _is_kept(kept), is_over())
    if after is not None:
        status, due_at, contact_id = after
        query = query.where(tuple_(*place) > tuple_(literal(status), literal(due_at, UtcTime), literal(contact_id)))
    rows = db.execute(query.order_by(*place).limit(limit)).all()
    if not rows:
        return None
    phones = {row.id: row.phone for row in rows}
    with_receipts = kept in (Kept.CONTACTS, Kept.RECEIPTS)
    received = _receipts_of(db, list(phones)) if with_receipts else []
    return Page(phones=phones, receipt_ids=received, last=tuple(rows[-1][:3]))


def empty(db: Connection, ledger: Ledger, campaign_id: str, kept: Kept, phones: Mapping[int, str]) -> int | None:
    """Empty these contacts, or their texts; returns how many. None: one of them is not over any more."""
    overwrite_deleted(db)
    over = _lock_over(db, campaign_id, list(phones))
    if len(over) < len(phones):
        return None
    if kept is Kept.TEXTS:
        return row_count(db, update(contacts).where(contacts.c.id.in_(over)).values(text=None, voice=None))
    hashes = [{"contact": contact_id, "hash": ledger.keyed_hash(phones[contact_id])} for contact_id in over]
    db.execute(_emptied_contact(db), hashes)
    nothing = {"detail": None, "local_time": None, "zone": None}
    db.execute(update(attempts).where(attempts.c.contact_id.in_(over)).values(**nothing))
    return len(over)


def note_done(db: Connection, campaign_id: str, kept: Kept, number: int, now: datetime) -> None:
    """Note that nothing of this is left of the campaign."""
    if kept is Kept.CONTACTS:
        forget_none(db, contact_tallies, [campaign_id])
    note = insert_into(db, retention_done).values(campaign_id=campaign_id, kept=kept, at=now, number=number)
    db.execute(note.on_conflict_do_nothing())


def is_left(db: Connection, campaign_id: str, kept: Kept) -> bool:
    """Whether a contact of the campaign still has this; receipts are looked through once."""
    left = select(contacts.c.id).where(contacts.c.campaign_id == campaign_id, _is_kept(kept))
    return kept is not Kept.RECEIPTS and db.execute(left.limit(1)).first() is not None


def counts(db: Connection, campaign_id: str, kept: Kept) -> int:
    """How many contacts of the campaign still have this; for receipts, how many bodies there are."""
    if kept is Kept.RECEIPTS:
        of_campaign = select(attempts.c.id).where(attempts.c.campaign_id == campaign_id)
        full = (receipts.c.attempt_id.in_(of_campaign), receipts.c.body != ERASED)
        return db.scalar(select(func.count()).select_from(receipts).where(*full)) or 0
    of_campaign_too = (contacts.c.campaign_id == campaign_id, _is_kept(kept))
    return db.scalar(select(func.count()).select_from(contacts).where(*of_campaign_too)) or 0


def unmatched_before(db: Connection, before: datetime, limit: int) -> list[int]:
    """Receipts that belong to no call of ours, came before this moment, and are not emptied."""
    old = (receipts.c.attempt_id.is_(None), receipts.c.received_at < before, receipts.c.body != ERASED)
    return list(db.scalars(select(receipts.c.id).where(*old).order_by(receipts.c.id).limit(limit)))


def empty_bodies(db: Connection, ids: Sequence[int]) -> int:
    """Empty the bodies of these receipts; returns how many."""
    overwrite_deleted(db)
    return row_count(db, update(receipts).where(receipts.c.id.in_(ids)).values(body=ERASED))


def is_emptied(db: Connection, campaign_id: str) -> bool:
    """Whether what its contacts would hear, or their numbers, are kept no more."""
    gone = retention_done.c.kept.in_([Kept.TEXTS, Kept.CONTACTS])
    return db.execute(select(retention_done.c.kept).where(_of(campaign_id), gone).limit(1)).first() is not None


def done_since(db: Connection, since: datetime) -> dict[Kept, tuple[int, int]]:
    """What was emptied since then: of each kind, of how many campaigns and how much."""
    by_kind = select(retention_done.c.kept, func.count(), func.sum(retention_done.c.number))
    rows = db.execute(by_kind.where(retention_done.c.at >= since).group_by(retention_done.c.kept))
    return {Kept(kept): (number, int(emptied)) for kept, number, emptied in rows}


def take_turn(db: Connection, due_since: datetime, now: datetime) -> bool:
    """Whether the day's run is still to be done and no other process is at it; then nobody else is, for a while."""
    last = db.scalar(select(ticks.c.at).where(ticks.c.step == DAILY))
    if last is not None and last >= due_since:
        return False
    db.execute(delete(ticks).where(ticks.c.step == AT_WORK, or_(ticks.c.at <= now - TURN, ticks.c.at > now)))
    first = insert_into(db, ticks).values(step=AT_WORK, at=now).on_conflict_do_nothing().returning(ticks.c.step)
    return db.execute(first).first() is not None


def end_turn(db: Connection, now: datetime, *, finished: bool) -> None:
    """Let others go on with the day's run; with `finished`, on the next day."""
    db.execute(delete(ticks).where(ticks.c.step == AT_WORK))
    if finished:
        db.execute(delete(ticks).where(ticks.c.step == DAILY))
        db.execute(insert(ticks).values(step=DAILY, at=now))


def overwrite_deleted(db: Connection) -> None:
    """Let SQLite overwrite in its file what this transaction removes, which else stays there until it is used again."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA secure_delete=ON").close()


def _end_of_all(db: Connection, campaign_id: str, finished_at: datetime) -> datetime | None:
    """When the last of the campaigns ended that call these contacts, redials included; None while one goes on."""
    others = other_campaigns(db, campaign_id)
    if not others:
        return finished_at
    rows = db.execute(select(campaigns.c.status, campaigns.c.finished_at).where(campaigns.c.id.in_(others))).all()
    if any(row.status not in ENDED_CAMPAIGNS for row in rows):
        return None
    ends: list[datetime] = [finished_at, *(row.finished_at for row in rows)]
    return max(ends)


def _done(db: Connection, campaign_id: str) -> frozenset[Kept]:
    return frozenset(map(Kept, db.scalars(select(retention_done.c.kept).where(_of(campaign_id)))))


def _of(campaign_id: str) -> ColumnElement[bool]:
    return retention_done.c.campaign_id == campaign_id


def _is_kept(kept: Kept) -> ColumnElement[bool]:
    """Whether a contact row still has this."""
    match kept:
        case Kept.TEXTS:
            return or_(contacts.c.text.is_not(None), contacts.c.voice.is_not(None))
        case Kept.RECEIPTS:
            return contacts.c.tries > 0
        case _:
            return and_(contacts.c.phone.startswith("+"), ~exists().where(erasures.c.contact_id == contacts.c.id))


def _receipts_of(db: Connection, contact_ids: Sequence[int]) -> list[int]:
    """The receipts of these contacts' calls that are not emptied, and equal bodies that came in the same deliveries."""
    calls = select(attempts.c.id).where(attempts.c.contact_id.in_(contact_ids))
    full = (receipts.c.attempt_id.in_(calls), receipts.c.body != ERASED)
    rows = db.execute(select(receipts.c.id, receipts.c.body).where(*full).order_by(receipts.c.id)).all()
    ids = {row.id for row in rows}
    for first, last, bodies in _stretches(rows):
        near = (receipts.c.id.between(first - NEARBY, last + NEARBY), receipts.c.body.in_(bodies))
        ids |= set(db.scalars(select(receipts.c.id).where(*near)))
    return sorted(ids)


def _stretches(rows: Sequence[Any]) -> Iterator[tuple[int, int, list[str]]]:
    """These receipts in stretches without wide gaps, so that little else is looked through."""
    start = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at].id - rows[at - 1].id > 2 * NEARBY:
            stretch = rows[start:at]
            yield stretch[0].id, stretch[-1].id, sorted({row.body for row in stretch})
            start = at


def _lock_over(db: Connection, campaign_id: str, contact_ids: Sequence[int]) -> list[int]:
    """Those of the contacts that change no more, locked: attempts first, as settlement does it."""
    if db.dialect.name == "postgresql":
        calls = select(attempts.c.id).where(attempts.c.contact_id.in_(contact_ids))
        db.execute(calls.order_by(attempts.c.id).with_for_update()).all()
        own = select(contacts.c.id).where(contacts.c.id.in_(contact_ids))
        db.execute(own.order_by(contacts.c.id).with_for_update()).all()
    redialed = campaigns.alias("redialed")
    goes_on = exists().where(redialed.c.redial_of == campaign_id, redialed.c.status.not_in(ENDED_CAMPAIGNS))
    ended = exists().where(campaigns.c.id == campaign_id, campaigns.c.status.in_(ENDED_CAMPAIGNS), ~goes_on)
    over = select(contacts.c.id).where(contacts.c.id.in_(contact_ids), is_over(), ended)
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
