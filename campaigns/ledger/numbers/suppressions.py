"""The suppression list: numbers not to be called, by one account or by any, each with a reason and a date.

A number that was erased is on the list as its keyed hash, and so are the contacts it was erased from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Exists,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
)

from campaigns.ledger.bulk import insert_into
from campaigns.ledger.moves import row_count
from campaigns.ledger.numbers.erasures import shown_number
from campaigns.ledger.numbers.spellings import every_spelling, same_phone
from campaigns.ledger.tables import UtcTime, contacts, ending_with, suppressions
from dialer.number_identity import other_spelling

EVERY_ACCOUNT = ""
NO_REASON = "no reason was given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One line of the list. `account` is blank where it applies to every account."""

    phone: str = field(repr=False)
    account: str
    reason: str
    source: str
    added_at: datetime
    expires_at: datetime | None

    @property
    def masked(self) -> str:
        """The number for a screen; `erased` where only its hash is left."""
        return shown_number(self.phone)

    def holds(self, now: datetime) -> bool:
        """Whether it still applies at `now`."""
        return self.expires_at is None or self.expires_at > now


def suppress(
    db: Connection,
    phone: str,
    *,
    reason: str,
    source: str,
    now: datetime,
    expires_at: datetime | None = None,
    account: str = EVERY_ACCOUNT,
) -> bool:
    """Put a number (E.164) on the list; False if it is already listed for at least as long: its reason then stays."""
    line = {"reason": reason or NO_REASON, "source": source, "added_at": now, "expires_at": expires_at}
    listed_until, ends = suppressions.c.expires_at, expires_at
    shorter = listed_until.is_not(None) if ends is None else listed_until < ends
    written = _as_listed(db, phone, account)
    statement = insert_into(db, suppressions).values(phone=written, account=account, **line)
    upsert = statement.on_conflict_do_update(index_elements=["phone", "account"], set_=line, where=shorter)
    return db.execute(upsert.returning(suppressions.c.id)).first() is not None


def _as_listed(db: Connection, phone: str, account: str) -> str:
    """The number as this account's list has it: in its other spelling, if that is there."""
    other = other_spelling(phone)
    if other is None:
        return phone
    there = (suppressions.c.phone == other, suppressions.c.account == account)
    return other if db.execute(select(suppressions.c.id).where(*there)).first() else phone


def unsuppress(db: Connection, phones: Iterable[str], *, account: str) -> int:
    """Remove all forms of a number from the list of this account; returns how many lines were removed."""
    lines = (suppressions.c.phone.in_(list(phones)), suppressions.c.account == account)
    return row_count(db, delete(suppressions).where(*lines))


def listed(db: Connection, phones: Iterable[str] | None = None, *, newest: int | None = None) -> list[Suppression]:
    """The list, or its lines for these forms of a number, oldest first; expired lines too.

    `newest` asks for so many lines at most, the newest first.
    """
    columns = [suppressions.c[name] for name in Suppression.__dataclass_fields__]
    query = select(*columns)
    if phones is not None:
        query = query.where(suppressions.c.phone.in_(list(phones)))
    if newest is None:
        query = query.order_by(suppressions.c.added_at, suppressions.c.id)
    else:
        query = query.order_by(suppressions.c.id.desc()).limit(newest)
    return [Suppression(**row._mapping) for row in db.execute(query)]


def listed_after(db: Connection, *, after: int | None, limit: int) -> list[tuple[int, Suppression]]:
    """The next `limit` lines of the list after the line `after`, each with its id, newest first; expired lines too."""
    query = _lines().order_by(suppressions.c.id.desc()).limit(limit)
    return _with_ids(db, query if after is None else query.where(suppressions.c.id < after))


def listed_ending(db: Connection, digits: str, limit: int) -> list[tuple[int, Suppression]]:
    """The newest `limit` lines whose number ends with these digits, four at the least, each with its id."""
    return _with_ids(
        db, _lines().where(ending_with(suppressions, digits)).order_by(suppressions.c.id.desc()).limit(limit)
    )


def listed_with_ids(db: Connection, phones: Iterable[str]) -> list[tuple[int, Suppression]]:
    """The lines for these forms of a number, the newest first, each with its id; expired lines too."""
    return _with_ids(db, _lines().where(suppressions.c.phone.in_(list(phones))).order_by(suppressions.c.id.desc()))


def listed_from(db: Connection, *, after: int, limit: int) -> list[tuple[int, Suppression]]:
    """The next `limit` lines after the line `after`, each with its id, oldest first."""
    query = _lines().where(suppressions.c.id > after).order_by(suppressions.c.id).limit(limit)
    return _with_ids(db, query)


def line_by_id(db: Connection, line_id: int) -> Suppression | None:
    """One line; None when it is not there any more."""
    return next((line for _, line in _with_ids(db, _lines().where(suppressions.c.id == line_id))), None)


def _lines() -> Select[Any]:
    return select(suppressions.c.id, *(suppressions.c[name] for name in Suppression.__dataclass_fields__))


def _with_ids(db: Connection, query: Select[Any]) -> list[tuple[int, Suppression]]:
    names = Suppression.__dataclass_fields__
    return [(row.id, Suppression(**{name: getattr(row, name) for name in names})) for row in db.execute(query)]


def count_listed(db: Connection) -> int:
    """How many lines the list has, expired ones too."""
    return db.scalar(select(func.count()).select_from(suppressions)) or 0


def suppressed(account: str | ColumnElement[str], now: datetime | BindParameter[datetime]) -> Exists:
    """Whether the contact of the query is on the list of this account, or on that of every account, at `now`."""
    return exists().where(_of_the_contact(account, now))


def suppressed_of_many(account: str, now: datetime) -> ColumnElement[bool]:
    """The same for a query of a whole list: the numbers are collected once, not looked up for each contact."""
    applies = _applies(account, now)
    listed = select(suppressions.c.phone).where(applies)
    return or_(contacts.c.phone.in_(every_spelling(suppressions.c.phone, applies)), contacts.c.phone_hash.in_(listed))


def reason_of(account: str, now: datetime) -> ColumnElement[str]:
    """Why the contact of the query is on the list."""
    why = select(suppressions.c.reason).where(_of_the_contact(account, now)).order_by(suppressions.c.id).limit(1)
    return why.correlate(contacts).scalar_subquery()


def suppressed_among(
    db: Connection, phones: Sequence[str], *, account: str, forms: Callable[[str], Iterable[str]], now: datetime
) -> dict[str, tuple[str, str]]:
    """Those of these numbers (E.164) that are on the list of this account, or on that of every account.

    Each with its form on the list (a hash if it was erased) and its reason.
    """
    by_form = {form: phone for phone in phones for form in forms(phone)}
    facts = {"forms": list(by_form), "account": account, "at": now}
    return {by_form[row.phone]: (row.phone, row.reason) for row in db.execute(_listed_now(), facts)}


@cache
def _listed_now() -> Select[tuple[str, str]]:
    """Kept, for every single call asks, and to build it takes longer than to run it."""
    now = bindparam("at", type_=UtcTime())
    return select(suppressions.c.phone, suppressions.c.reason).where(
        suppressions.c.phone.in_(bindparam("forms", expanding=True)),
        suppressions.c.account.in_([EVERY_ACCOUNT, bindparam("account", type_=Text())]),
        or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > now),
    )


def erased_numbers(db: Connection, phones: Sequence[str], *, hashes: Callable[[str], Iterable[str]]) -> dict[str, str]:
    """Those of these numbers (E.164) that were erased, each with its hash: only that may be kept."""
    by_phone = {phone: tuple(hashes(phone)) for phone in phones}
    every_hash = [phone_hash for of_phone in by_phone.values() for phone_hash in of_phone]
    erased = set(db.scalars(select(suppressions.c.phone).where(suppressions.c.phone.in_(every_hash))))
    first = {phone: next((one for one in of_phone if one in erased), None) for phone, of_phone in by_phone.items()}
    return {phone: phone_hash for phone, phone_hash in first.items() if phone_hash}


def _of_the_contact(account: str | ColumnElement[str], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(
        or_(same_phone(suppressions.c.phone, contacts.c.phone), suppressions.c.phone == contacts.c.phone_hash),
        _applies(account, now),
    )


def _applies(account: str | ColumnElement[str], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether a line of the list is for this account, and has not expired."""
    return and_(
        suppressions.c.account.in_([EVERY_ACCOUNT, account]),
        or_(suppressions.c.expires_at.is_(None), suppressions.c.expires_at > now),
    )
