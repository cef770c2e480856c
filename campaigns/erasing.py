"""Erasing a person: what the ledger knows of a number goes, and that it must not be called stays, as a keyed hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from campaigns.ledger import moves
from campaigns.ledger.frequency import lock_numbers
from campaigns.ledger.moves import touched
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import listed, suppress
from campaigns.ledger.tables import attempts, contacts, receipts, suppressions
from campaigns.lifecycle import FINAL_CONTACTS, ContactStatus
from dialer.phone import PhoneNumber

ERASED = "erased"
WAITING = (ContactStatus.PENDING, ContactStatus.CLAIMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased. `in_progress` contacts are on the phone just now: erase again when their calls have ended."""

    contacts: int
    receipts: int
    suppressions: int
    in_progress: int


def erase(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime) -> Erased:
    """Remove a person's data and never call the number again; safe to run again."""
    return ledger.write(_erase, number.e164, ledger.fingerprint(number.e164), who, now)


def _erase(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> Erased:
    lock_numbers(db, [phone])
    suppress(db, phone_hash, reason="erased at the person's wish", source=who, now=now)
    moved = _hash_suppressions(db, phone, phone_hash, now)
    db.execute(update(contacts).where(contacts.c.phone == phone).values(phone_hash=phone_hash))
    waiting = update(contacts).where(contacts.c.phone == phone, contacts.c.status.in_(WAITING))
    db.execute(
        waiting.values(status=ContactStatus.SUPPRESSED, reason=ERASED, final_at=now, claim=None, lease_until=None)
    )
    over = (contacts.c.phone == phone, contacts.c.status.in_(FINAL_CONTACTS))
    theirs = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id).where(*over)
    emptied = touched(db, update(receipts).where(receipts.c.attempt_id.in_(theirs)).values(body=ERASED))
    db.execute(update(attempts).where(attempts.c.id.in_(theirs)).values(detail=None, local_time=None, zone=None))
    emptied_contacts = update(contacts).where(*over).values(phone=phone_hash, fields={}, text=None, consent=None)
    count = touched(db, emptied_contacts)
    left = db.scalar(select(func.count()).where(contacts.c.phone == phone)) or 0
    moves.note(db, now, who=who, event="number erased", detail=phone_hash)
    return Erased(contacts=count, receipts=emptied, suppressions=moved, in_progress=left)


def _hash_suppressions(db: Connection, phone: str, phone_hash: str, now: datetime) -> int:
    """Lines of the list that name the number name its hash from now on."""
    lines = listed(db, [phone])
    db.execute(delete(suppressions).where(suppressions.c.phone == phone))
    for line in lines:
        suppress(
            db,
            phone_hash,
            reason=line.reason,
            source=line.source,
            expires_at=line.expires_at,
            account=line.account,
            now=now,
        )
    return len(lines)
