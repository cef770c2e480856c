"""Erasures: what is emptied of a person, and the contacts that are emptied when their call has ended.

A contact that was emptied has a keyed hash in place of its number. A number counts as erased while that hash is on the
suppression list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from campaigns.ledger.moves import row_count
from campaigns.ledger.store import HASHED
from campaigns.ledger.tables import UtcTime, attempts, contacts, erasures, receipts, retention_done, suppressions
from campaigns.lifecycle import FINAL_CONTACTS, OPEN_ATTEMPTS, WAITING_CONTACTS, ContactStatus
from campaigns.retention_periods import Kept
from dialer.phone import mask

ERASED = "erased"
# A call that was requested needs none of the content; one in progress still needs its times.
NO_KEY = case((contacts.c.key == "", ""), else_=literal("erased:") + cast(contacts.c.id, Text))  # no two are equal
CONTENT: dict[str, Any] = {
    "fields": {},
    "given": None,
    "text": None,
    "voice": None,
    "consent": None,
    "key": NO_KEY,
    "withdrawal": None,
}
TIMING: dict[str, Any] = {"zone": "UTC", "not_after": None}
ERASURE_LOCK = 0x65726173  # any number, the same for everybody
NEARBY = 1000  # the receipts of one delivery are stored together
SOME = 500
NUMBER = re.compile(r"(?<!\d)\d{7,15}(?!\d)")


def take_erasure_lock(db: Connection, *, exclusive: bool = False) -> None:
    """Keep erasures out until this transaction ends; with `exclusive`, keep imports and starts out too.

    So a number is in the ledger when it is erased, or is seen as erased when it is imported or its campaign starts.
    Call it before locking any contact. SQLite has one writer anyway.
    """
    if db.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
        db.execute(select(lock(ERASURE_LOCK)))


def overwrite_deleted(db: Connection) -> None:
    """Let SQLite overwrite in its file what this transaction removes, which else stays there until it is used again."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA secure_delete=ON").close()


def lock_rows_of(db: Connection, phones: Collection[str]) -> None:
    """Lock all rows of these numbers, attempts first, in the order in which settlement locks them."""
    of_the_person = contacts.c.phone.in_(phones)
    calls = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id).where(of_the_person)
    db.execute(calls.order_by(attempts.c.id).with_for_update(of=attempts)).all()
    db.execute(select(contacts.c.id).where(of_the_person).order_by(contacts.c.id).with_for_update()).all()


def is_over() -> ColumnElement[bool]:
    """Whether the contact row of the enclosing query is final and no call of it is in progress: it changes no more."""
    in_progress = exists().where(attempts.c.contact_id == contacts.c.id, attempts.c.status.in_(OPEN_ATTEMPTS))
    return and_(contacts.c.status.in_(FINAL_CONTACTS), ~in_progress.correlate(contacts))


def empty_admitted(db: Connection, campaign_id: str) -> int:
    """Empty the contacts of a starting campaign whose numbers were erased since its list was checked."""
    erased = select(suppressions.c.phone).where(suppressions.c.phone.startswith(HASHED))
    suppressed = (contacts.c.campaign_id == campaign_id, contacts.c.status == ContactStatus.SUPPRESSED)
    emptied = update(contacts).where(*suppressed, contacts.c.phone_hash.in_(erased))
    return row_count(db, emptied.values(phone=contacts.c.phone_hash, **CONTENT, **TIMING))


def empty_receipts(db: Connection, attempt_ids: Iterable[UUID]) -> int:
    """Empty the bodies of these attempts' receipts, and equal bodies that came in the same delivery.

    What was pressed is emptied of these attempts' own.
    """
    own = receipts.c.attempt_id.in_(list(attempt_ids))
    not_empty = (own, receipts.c.body != ERASED)
    query = select(receipts.c.id, receipts.c.account, receipts.c.body).where(*not_empty).order_by(receipts.c.id)
    ids_by_body: dict[tuple[str, str], list[int]] = {}
    for row in db.execute(query.with_for_update()):
        ids_by_body.setdefault((row.account, row.body), []).append(row.id)
    emptied = 0
    for (account, body), ids in ids_by_body.items():
        near = receipts.c.id.between(ids[0] - NEARBY, ids[-1] + NEARBY)
        same = (near, receipts.c.account == account, receipts.c.body == body)
        emptied += row_count(db, update(receipts).where(*same).values(body=ERASED))
    db.execute(update(receipts).where(own, receipts.c.pressed.is_not(null())).values(pressed=null()))
    return emptied


def empty_unmatched(db: Connection, digits: str) -> int:
    """Empty the receipts that belong to no attempt of ours and name this number. Those are few, and have an index."""
    named = (receipts.c.attempt_id.is_(None), receipts.c.body.contains(digits))
    ids = db.scalars(select(receipts.c.id).where(*named).order_by(receipts.c.id).with_for_update()).all()
    return _empty(db, ids)


def empty_those_that_name_erased(
    db: Connection, which: ColumnElement[bool], *, keyed_hash: Callable[[str], str]
) -> int:
    """Empty those of these receipts that contain a number whose hash says that it was erased."""
    by_hash: dict[str, set[int]] = {}
    for row in db.execute(select(receipts.c.id, receipts.c.body).where(which)):
        for digits in set(NUMBER.findall(row.body)):
            by_hash.setdefault(keyed_hash(f"+{digits}"), set()).add(row.id)
    hashes = list(by_hash)
    ids: set[int] = set()
    for at in range(0, len(hashes), SOME):
        erased = select(suppressions.c.phone).where(suppressions.c.phone.in_(hashes[at : at + SOME]))
        ids |= {receipt_id for phone_hash in db.scalars(erased) for receipt_id in by_hash[phone_hash]}
    return _empty(db, sorted(ids))


def _empty(db: Connection, ids: Iterable[int]) -> int:
    all_ids = list(ids)
    batches = (all_ids[at : at + SOME] for at in range(0, len(all_ids), SOME))
    return sum(
        row_count(db, update(receipts).where(receipts.c.id.in_(batch)).values(body=ERASED, pressed=null()))
        for batch in batches
    )


def erased_attempts(db: Connection, attempt_ids: Iterable[UUID]) -> list[UUID]:
    """Which of these attempts belong to a contact that was emptied, or to a campaign whose receipts were."""
    query = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id)
    receipts_gone = exists().where(
        retention_done.c.campaign_id == attempts.c.campaign_id, retention_done.c.kept == Kept.RECEIPTS
    )
    emptied = (attempts.c.id.in_(list(attempt_ids)), contacts.c.phone.startswith(HASHED) | receipts_gone)
    return list(db.scalars(query.where(*emptied).order_by(attempts.c.id)))


def remember_for_erasure(db: Connection, phone: str, *, who: str, now: datetime) -> int:
    """Remember the contacts that still have this number, to be emptied when their call ends; returns how many.

    Call it when all other contacts of the number are empty.
    """
    left = (contacts.c.phone == phone, ~exists().where(erasures.c.contact_id == contacts.c.id))
    query = select(contacts.c.id, literal(who), literal(now, UtcTime)).where(*left)
    db.execute(insert(erasures).from_select(["contact_id", "who", "asked_at"], query))
    return db.scalar(select(func.count()).select_from(contacts).where(contacts.c.phone == phone)) or 0


def forget_emptied(db: Connection, phone_hash: str) -> None:
    """Delete the remembered erasures of contacts that have been emptied."""
    emptied = select(contacts.c.id).where(contacts.c.phone == phone_hash)
    db.execute(delete(erasures).where(erasures.c.contact_id.in_(emptied)))


def ready_to_empty(db: Connection) -> list[int]:
    """Remembered contacts whose call is over by now."""
    query = select(erasures.c.contact_id).join(contacts, contacts.c.id == erasures.c.contact_id)
    over = contacts.c.status.in_(WAITING_CONTACTS) | is_over()
    return list(db.scalars(query.where(over).order_by(erasures.c.contact_id)))


def remembered_erasure(db: Connection, contact_id: int) -> tuple[str, str, str] | None:
    """The number of a remembered contact, its hash, and who asked for the erasure; None if it is already done."""
    query = select(contacts.c.phone, contacts.c.phone_hash, erasures.c.who)
    remembered = query.join(contacts, contacts.c.id == erasures.c.contact_id).where(erasures.c.contact_id == contact_id)
    row = db.execute(remembered).first()
    return None if row is None else (row.phone, row.phone_hash, row.who)


def shown_number(phone: str) -> str:
    """A contact's number as people may see it: masked, or `erased`."""
    return ERASED if phone.startswith(HASHED) else mask(phone)
