"""Erasure: removes a number's data from the ledger, and keeps its hash on the suppression list so it is not called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update

from campaigns.ledger import claims, moves
from campaigns.ledger.lists.drafts import name_of_test_call
from campaigns.ledger.lists.rejected_rows import empty_rejected_rows, rejected_rows_with
from campaigns.ledger.numbers import erasures
from campaigns.ledger.numbers.erasures import CONTENT, ERASED, TIMING, overwrite_deleted
from campaigns.ledger.numbers.frequency_caps import lock_numbers
from campaigns.ledger.numbers.suppressions import listed, suppress
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, campaigns, contact_tallies, contacts, suppressions
from campaigns.ledger.tallies import forget_none
from campaigns.lifecycle import PROGRAM, WAITING_CONTACTS, ContactStatus
from dialer.phone import PhoneNumber

EMPTIED_AT_ONCE = 500
WISH = "erased at the person's wish"
BEFORE = "on the list before it was erased"  # replaces the reasons that people wrote: they may name the person


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureResult:
    """How many contacts, receipts and suppression entries were emptied; the names are those of `erase --json`.

    `in_progress` contacts have a call in progress: the sweep empties them when it is over.
    """

    contacts: int
    receipts: int
    suppressions: int
    in_progress: int


def erase(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime) -> ErasureResult:
    """Remove the data of a number and never call it again; running it again does no harm."""
    by_spelling = [(phone, ledger.keyed_hash(phone)) for phone in number.spellings]
    result = ledger.write(_erase, by_spelling, who, now)
    with ledger.reading() as db:
        rejected = [row.id for row in rejected_rows_with(db, number)]
    for at in range(0, len(rejected), EMPTIED_AT_ONCE):
        ledger.write(empty_rejected_rows, rejected[at : at + EMPTIED_AT_ONCE])
    return result


def finish_erasures(ledger: Ledger, *, now: datetime) -> int:
    """Empty the contacts that had a call in progress when they were erased, and whose call is over; returns how many.

    Several processes may run it at once.
    """
    with ledger.reading() as db:
        over = erasures.ready_to_empty(db)
    return sum(ledger.write(_finish, contact_id, now) for contact_id in over)


def campaigns_with_number(ledger: Ledger, number: PhoneNumber) -> list[str]:
    """The ids of the campaigns that had the number, also those from which it was erased; sorted."""
    stored = ledger.forms(number.e164)
    with ledger.reading() as db:
        return sorted(set(db.scalars(select(contacts.c.campaign_id).where(contacts.c.phone.in_(stored)))))


def _erase(db: Connection, by_spelling: Sequence[tuple[str, str]], who: str, now: datetime) -> ErasureResult:
    erasures.take_erasure_lock(db, exclusive=True)
    erasures.lock_rows_of(
        db, [form for spelling in by_spelling for form in spelling]
    )  # before any contact of one of them
    results = [_empty(db, phone, phone_hash, who, now) for phone, phone_hash in by_spelling]
    moves.write_audit(db, now, who=who, event="number erased", detail=by_spelling[0][1])
    return ErasureResult(
        contacts=sum(result.contacts for result in results),
        receipts=sum(result.receipts for result in results),
        suppressions=sum(result.suppressions for result in results),
        in_progress=sum(result.in_progress for result in results),
    )


def _finish(db: Connection, contact_id: int, now: datetime) -> bool:
    """False when another process has done it meanwhile."""
    erasures.take_erasure_lock(db, exclusive=True)
    postponed = erasures.remembered_erasure(db, contact_id)
    if postponed is None:
        return False
    phone, phone_hash, who = postponed
    _empty(db, phone, phone_hash, who, now)
    moves.write_audit(db, now, who=PROGRAM, event="erasure finished", detail=phone_hash)
    return True


def _empty(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> ErasureResult:
    """Empty the contacts that are final, end those that are waiting, and postpone those with a call in progress."""
    overwrite_deleted(db)
    lock_numbers(db, [phone])
    erasures.lock_rows_of(db, [phone, phone_hash])
    of_number = contacts.c.phone == phone
    claims.end_waiting(db, ContactStatus.SUPPRESSED, of_number, reason=ERASED, now=now)
    db.execute(update(contacts).where(of_number).values(phone_hash=phone_hash, **CONTENT))
    emptied = db.scalar(select(func.count()).select_from(contacts).where(of_number, erasures.is_over())) or 0
    emptied_receipts = _empty_final(db, phone, phone_hash) + erasures.empty_unmatched(db, phone.removeprefix("+"))
    entries = _hash_suppressions(db, phone, phone_hash, who, now)
    in_progress = erasures.remember_for_erasure(db, phone, who=who, now=now)
    return ErasureResult(contacts=emptied, receipts=emptied_receipts, suppressions=entries, in_progress=in_progress)


def _empty_final(db: Connection, phone: str, phone_hash: str) -> int:
    """Empty the number's final contacts, also those emptied before; returns how many receipts were emptied."""
    final = (contacts.c.phone.in_([phone, phone_hash]), erasures.is_over())
    query = select(attempts.c.id).join(contacts, contacts.c.id == attempts.c.contact_id).where(*final)
    calls = db.scalars(query).all()
    emptied_receipts = erasures.empty_receipts(db, calls)
    nothing = {"detail": None, "corrected": None, "local_time": None, "zone": None}
    db.execute(update(attempts).where(attempts.c.id.in_(calls)).values(**nothing))
    _empty_test_calls(db, final)
    # The reason of a reached contact is its outcome. Others may quote the provider, or an operator's note.
    reason = case((contacts.c.status == ContactStatus.REACHED, contacts.c.reason), else_=ERASED)
    db.execute(
        update(contacts).where(*final).values(phone=phone_hash, reason=reason, corrected=None, **CONTENT, **TIMING)
    )
    of_campaigns = select(contacts.c.campaign_id).where(contacts.c.phone == phone_hash).distinct()
    forget_none(db, contact_tallies, db.scalars(of_campaigns).all())
    erasures.forget_emptied(db, phone_hash)
    return emptied_receipts


def _empty_test_calls(db: Connection, final: Sequence[ColumnElement[bool]]) -> None:
    """Empty the test calls made with the texts of these contacts; they have the same line of the list."""
    query = select(campaigns.c.name, contacts.c.line).join(campaigns, campaigns.c.id == contacts.c.campaign_id)
    for name, line in db.execute(query.where(*final).distinct()).all():
        of_test_calls = contacts.c.campaign_id.in_(
            select(campaigns.c.id).where(campaigns.c.name == name_of_test_call(name))
        )
        ended = update(contacts).where(
            of_test_calls, contacts.c.line == line, contacts.c.status.not_in(WAITING_CONTACTS)
        )
        db.execute(ended.values(**CONTENT))


def _hash_suppressions(db: Connection, phone: str, phone_hash: str, who: str, now: datetime) -> int:
    """Replace the number by its hash in its suppression entries, and add one for every account, without an end.

    Returns how many entries had the number.
    """
    suppress(db, phone_hash, reason=WISH, source=who, now=now)
    entries = listed(db, [phone])
    db.execute(delete(suppressions).where(suppressions.c.phone == phone))
    for entry in entries:
        suppress(
            db,
            phone_hash,
            reason=BEFORE,
            source=entry.source,
            expires_at=entry.expires_at,
            account=entry.account,
            now=now,
        )
    return len(entries)
