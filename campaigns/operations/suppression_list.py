"""The suppression list for operators: add, remove, and look up a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from campaigns.ledger import moves
from campaigns.ledger.numbers import erasures
from campaigns.ledger.numbers.suppressions import (
    EVERY_ACCOUNT,
    Suppression,
    count_listed,
    erased_numbers,
    line_by_id,
    listed,
    listed_after,
    listed_ending,
    listed_with_ids,
    suppress,
    unsuppress,
)
from campaigns.ledger.store import Ledger
from campaigns.operations.contact_numbers import NumberErased
from dialer.errors import DialerError
from dialer.number_identity import ENDING_DIGITS
from dialer.phone import BadPhoneNumber, PhoneNumber, is_ending, parse

HASH = re.compile(r"hash:[0-9a-f]{40}")  # stored instead of a number that was erased
BETWEEN_DIGITS = re.compile(r"[\s()./-]+")
LONGEST_ENDING = 7  # of more digits, a zero before them is that of national numbers
MOST_FOUND = 100


class NoSuchEntry(DialerError):
    """The list has no such entry any more."""


class BadSearch(DialerError):
    """What was typed is no number, nor the end of one."""


def add(
    ledger: Ledger,
    number: PhoneNumber,
    *,
    reason: str,
    who: str,
    now: datetime,
    account: str = EVERY_ACCOUNT,
    expires_at: datetime | None = None,
) -> bool:
    """Put a number on the list, in force before the next call; False if it is there for as long already.

    A number that was erased stays on the list by its hash. Without `account` it holds for every account; without
    `expires_at`, for good.
    """
    entry = Suppression(
        phone=number.e164, account=account, reason=reason, source=who, added_at=now, expires_at=expires_at
    )
    return ledger.write(_add, entry, ledger.hashes)


def _add(db: Connection, entry: Suppression, hashes: Callable[[str], Iterable[str]]) -> bool:
    added = suppress_all(db, [entry], hashes) > 0
    if added:
        detail = f"{entry.masked} {entry.account}".strip()
        moves.write_audit(db, entry.added_at, who=entry.source, event="suppression added", detail=detail)
    return added


def remove(
    ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime, account: str = EVERY_ACCOUNT, reason: str = ""
) -> bool:
    """Take a number off the list of this account, with an audit line; False if it was not there."""
    return ledger.write(_remove, ledger.forms(number.e164), number.masked, account, reason, who, now)


def remove_entry(ledger: Ledger, entry_id: int, *, reason: str, who: str, now: datetime) -> bool:
    """Take one entry off the list, with an audit line; False if it was not there."""
    with ledger.writing() as db:
        entry = line_by_id(db, entry_id)
        forms = {entry.phone} if entry else set()
        return entry is not None and _remove(db, forms, entry.masked, entry.account, reason, who, now)


def _remove(
    db: Connection, forms: Iterable[str], shown: str, account: str, reason: str, who: str, now: datetime
) -> bool:
    removed = unsuppress(db, forms, account=account) > 0
    if removed:
        detail = f"{shown} {account}".strip() + (f": {reason}" if reason else "")
        moves.write_audit(db, now, who=who, event="suppression removed", detail=detail)
    return removed


def entry_by_id(ledger: Ledger, entry_id: int) -> Suppression:
    """One entry of the list. Raises NoSuchEntry."""
    with ledger.reading() as db:
        entry = line_by_id(db, entry_id)
    if entry is None:
        raise NoSuchEntry("this entry is not on the suppression list any more", "look for the number again")
    return entry


def show_entry(ledger: Ledger, entry_id: int, *, who: str, now: datetime) -> str:
    """The whole number of an entry, to be shown once: the audit says who saw it, and never which it is.

    Raises NoSuchEntry, NumberErased.
    """
    phone = entry_by_id(ledger, entry_id).phone
    if HASH.fullmatch(phone):
        raise NumberErased("this person was erased: the number is kept nowhere", "nothing is left to do")
    ledger.write(moves.write_audit, now, who=who, event="number shown", detail=f"suppression {entry_id}")
    return phone


def find(ledger: Ledger, typed: str) -> list[tuple[int, Suppression]]:
    """The entries of a number (with a plus), or of all numbers that end with these digits, the newest first.

    Each with its id, expired ones too; of many only the newest 100. Raises BadSearch.
    """
    written = typed.strip()
    digits = BETWEEN_DIGITS.sub("", written)
    if written.startswith("+"):
        try:
            number = parse(written)
        except BadPhoneNumber as exc:
            raise BadSearch(f"{exc}", exc.suggestion) from None
        with ledger.reading() as db:
            return listed_with_ids(db, ledger.forms(number.e164))
    if not is_ending(digits):
        raise BadSearch(
            "this is no number", f"write a number with + and country code, or its last {ENDING_DIGITS} digits"
        )
    with ledger.reading() as db:
        return listed_ending(db, digits.lstrip("0") if len(digits) > LONGEST_ENDING else digits, MOST_FOUND)


def entries_of(ledger: Ledger, number: PhoneNumber) -> list[Suppression]:
    """All entries of a number, oldest first, also expired ones, and those of a number that was erased."""
    with ledger.reading() as db:
        return listed(db, ledger.forms(number.e164))


def suppress_all(db: Connection, entries: Sequence[Suppression], hashes: Callable[[str], Iterable[str]]) -> int:
    erasures.take_erasure_lock(db)  # else a number that is being erased could be written in full
    erased = erased_numbers(db, [entry.phone for entry in entries], hashes=hashes)
    return sum(
        suppress(
            db,
            erased.get(entry.phone, entry.phone),
            reason=entry.reason,
            source=entry.source,
            now=entry.added_at,
            account=entry.account,
            expires_at=entry.expires_at,
        )
        for entry in entries
    )


def newest(ledger: Ledger, limit: int) -> tuple[list[Suppression], int]:
    """The newest entries, at most so many, and how many there are in all."""
    with ledger.reading() as db:
        return listed(db, newest=limit), count_listed(db)


def entries_after(ledger: Ledger, after: int | None, limit: int) -> list[tuple[int, Suppression]]:
    """The next `limit` entries after the one with the id `after`, each with its id, newest first."""
    with ledger.reading() as db:
        return listed_after(db, after=after, limit=limit)
