"""Erasing a person: what the ledger knows of a number goes, and that it must not be called stays, as a keyed hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update

from campaigns.ledger import claims, erasures, moves
from campaigns.ledger.drafts import trial_name
from campaigns.ledger.erasures import ERASED, REST, SAID
from campaigns.ledger.frequency_caps import lock_numbers
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import listed, suppress
from campaigns.ledger.tables import attempts, campaigns, contacts, suppressions
from campaigns.lifecycle import PROGRAM, WAITING_CONTACTS, ContactStatus
from dialer.phone import PhoneNumber

WISH = "erased at the person's wish"
BEFORE = "on the list before it was erased"  # a reason in people's own words may name somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased. `in_progress` contacts are on the phone just now: the sweep ends it when their call is over."""

    contacts: int
    receipts: int
    suppressions: int
    in_progress: int


def erase(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime) -> Erased:
    """Remove a person's data and never call the number again; safe to run again."""
    return ledger.write(_erase, number.e164, ledger.fingerprint(number.e164), who, now)


def finish_erasures(ledger: Ledger, *, now: datetime) -> int:
    """Erase those who were on the phone when it was wished, and are not any more; many may ask at once."""
    with ledger.reading() as db:
        over = erasures.ready(db)
    return sum(ledger.write(_finish, contact_id, now) for contact_id in over)


def campaigns_of(ledger: Ledger, number: PhoneNumber) -> list[str]:
    """The campaigns that had the number, also where it was erased."""
    forms = (number.e164, ledger.fingerprint(number.e164))
    with ledger.reading() as db:
        return sorted(set(db.scalars(select(contacts.c.campaign_id).where(contacts.c.phone.in_(forms)))))


def _erase(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> Erased:
    erasures.take_turn(db, erasing=True)
    done = _empty(db, phone, phone_hash, who, now)
    moves.write_audit(db, now, who=who, event="number erased", detail=phone_hash)
    return done


def _finish(db: Connection, contact_id: int, now: datetime) -> bool:
    """False when another has done it meanwhile."""
    erasures.take_turn(db, erasing=True)
    one = erasures.put_off_one(db, contact_id)
    if one is None:
        return False
    phone, phone_hash, who = one
    _empty(db, phone, phone_hash, who, now)
    moves.write_audit(db, now, who=PROGRAM, event="erasure finished", detail=phone_hash)
    return True


def _empty(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> Erased:
    """Empty all that is over, end all that waits, and keep in mind what is in progress."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql("PRAGMA secure_delete=ON").close()  # else it stands in the file until that is written over
    lock_numbers(db, [phone])
    erasures.hold(db, [phone, phone_hash])
    mine = contacts.c.phone == phone
    claims.end_waiting(db, ContactStatus.SUPPRESSED, mine, reason=ERASED, now=now)
    db.execute(update(contacts).where(mine).values(phone_hash=phone_hash, **SAID))
    emptied = db.scalar(select(func.count()).select_from(contacts).where(mine, erasures.is_over())) or 0
    told = _empty_over(db, phone, phone_hash) + erasures.empty_unmatched(db, phone.removeprefix("+"))
    lines = _hash_suppressions(db, phone, phone_hash, who, now)
    left = erasures.put_off(db, phone, who=who, now=now)
    return Erased(contacts=emptied, receipts=told, suppressions=lines, in_progress=left)


def _empty_over(db: Connection, phone: str, phone_hash: str) -> int:
    """Empty the contacts that are over, and those that were emptied before; returns how many receipts they had."""
    over = (contacts.c.phone.in_([phone, phone_hash]), erasures.is_over())
    query = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id).where(*over)
    calls = db.scalars(query).all()
    told = erasures.empty_receipts(db, calls)
    nothing = {"detail": None, "corrected": None, "local_time": None, "zone": None}
    db.execute(update(attempts).where(attempts.c.id.in_(calls)).values(**nothing))
    _empty_trials(db, over)
    # An outcome is kept; a reason may be in the provider's words or in those of who put the number on the list.
    reason = case((contacts.c.status == ContactStatus.REACHED, contacts.c.reason), else_=ERASED)
    db.execute(update(contacts).where(*over).values(phone=phone_hash, reason=reason, corrected=None, **SAID, **REST))
    erasures.settle(db, phone_hash)
    return told


def _empty_trials(db: Connection, over: Sequence[ColumnElement[bool]]) -> None:
    """Test calls said to somebody else what these contacts' rows say: they are known by their line."""
    query = select(campaigns.c.name, contacts.c.line).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
    for name, line in db.execute(query.where(*over).distinct()).all():
        theirs = contacts.c.campaign_id.in_(select(campaigns.c.id).where(campaigns.c.name == trial_name(name)))
        said = update(contacts).where(theirs, contacts.c.line == line, contacts.c.status.not_in(WAITING_CONTACTS))
        db.execute(said.values(**SAID))


def _hash_suppressions(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> int:
    """Lines of the list that name the number name its hash from now on, and one holds for every account, for good."""
    suppress(db, phone_hash, reason=WISH, source=who, now=now)
    lines = listed(db, [phone])
    db.execute(delete(suppressions).where(suppressions.c.phone == phone))
    for line in lines:
        suppress(
            db,
            phone_hash,
            reason=BEFORE,
            source=line.source,
            expires_at=line.expires_at,
            account=line.account,
            now=now,
        )
    return len(lines)
