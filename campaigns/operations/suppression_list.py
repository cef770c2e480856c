"""What people may do with the suppression list: add, import, export, remove, and ask why a number stands there."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from campaigns.audience.open_list import open_table
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.audience.table import Table
from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.ledger import erasures, moves
from campaigns.ledger import suppressions as ledgered
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import EVERY_ACCOUNT, Suppression
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse

COLUMNS = ("phone", "account", "reason", "source", "added_at", "expires_at")
NUMBER_COLUMNS = ("phone", "number", "phonenumber", "telephone", "msisdn")
HASH = re.compile(r"hash:[0-9a-f]{40}")  # of a number that was erased
IMPORTED_AT_ONCE = 2000


class NoNumbers(DialerError):
    """The file has no column of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to: `added` are new or kept for longer now, `known` were there, `expired` are over."""

    added: int
    known: int
    expired: int
    rejects: Sequence[Reject]


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
    """Put a number on the list, from the next dial on; False if it is there for as long already.

    One that was erased is there by its hash, and stays so.
    """
    line = Suppression(
        phone=number.e164, account=account, reason=reason, source=who, added_at=now, expires_at=expires_at
    )
    return ledger.write(_suppress_all, [line], ledger.fingerprint) > 0


def remove(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime, account: str = EVERY_ACCOUNT) -> bool:
    """Take a number off the list of this account, leaving an audit line; False if it was not there."""
    with ledger.writing() as db:
        forms = (number.e164, ledger.fingerprint(number.e164))
        gone = ledgered.unsuppress(db, forms, account=account)
        if gone:
            moves.write_audit(
                db, now, who=who, event="suppression removed", detail=f"{number.masked} {account}".strip()
            )
    return gone > 0


def why(ledger: Ledger, number: PhoneNumber) -> list[Suppression]:
    """Everything the list says of a number, also when it was erased."""
    with ledger.reading() as db:
        return ledgered.listed(db, (number.e164, ledger.fingerprint(number.e164)))


def import_file(
    ledger: Ledger,
    path: Path,
    *,
    country: str | None,
    reason: str,
    who: str,
    now: datetime,
    account: str = EVERY_ACCOUNT,
    expires_at: datetime | None = None,
) -> Imported:
    """Put the numbers of a list on ours: a column named phone or number, or a file of nothing else. Good rows go in.

    A column `reason` counts for more than `reason`. A file that `export_file` wrote is taken line by line as it stands:
    its accounts, moments and hashes; what has expired is left out. Raises BadContactsFile, NoNumbers.
    """
    given = Suppression(phone="", account=account, reason=reason, source=who, added_at=now, expires_at=expires_at)
    added = known = expired = 0
    rejects: list[Reject] = []
    lines = _lines(open_table(path), country, given)
    while some := list(islice(lines, IMPORTED_AT_ONCE)):
        rejects += [one for one in some if isinstance(one, Reject)]
        read = [one for one in some if isinstance(one, Suppression)]
        lasting = [one for one in read if one.holds(now)]
        new = ledger.write(_suppress_all, lasting, ledger.fingerprint)
        added, known, expired = added + new, known + len(lasting) - new, expired + len(read) - len(lasting)
    return Imported(added=added, known=known, expired=expired, rejects=tuple(rejects))


def _suppress_all(db: Connection, lines: Sequence[Suppression], fingerprint: Callable[[str], str]) -> int:
    erasures.take_turn(db)  # else a number that is erased just now would come in as it is written
    hashes = ledgered.erased_among(db, [one.phone for one in lines], fingerprint=fingerprint)
    return sum(
        ledgered.suppress(
            db,
            hashes.get(one.phone, one.phone),
            reason=one.reason,
            source=one.source,
            now=one.added_at,
            account=one.account,
            expires_at=one.expires_at,
        )
        for one in lines
    )


def _lines(table: Table, country: str | None, given: Suppression) -> Iterator[Suppression | Reject]:
    """What the file puts on the list, as `given` where it says nothing else, and the rows that cannot be read."""
    if all(table.columns_named(name) for name in COLUMNS):
        places = {name: table.columns_named(name)[0] for name in COLUMNS}
        for row in table.rows():
            yield _exported(row.line, {name: _cell(row.cells, place) for name, place in places.items()}, given)
        return
    for line, column, written, reason in _numbers(table):
        try:
            yield replace(given, phone=parse(written, country).e164, reason=reason or given.reason)
        except BadPhoneNumber as exc:
            yield _reject(line, column, exc, RejectCode.INVALID_NUMBER)


def _exported(line: int, cells: Mapping[str, str], given: Suppression) -> Suppression | Reject:
    """A line of the list as it was exported, for what is `given` where it holds for every account, or for good."""
    try:
        written = cells["phone"]
        phone = written if HASH.fullmatch(written) else parse(written).e164
        added_at, expires_at = (_aware(cells[name]) for name in ("added_at", "expires_at"))
    except BadPhoneNumber as exc:
        return _reject(line, "phone", exc, RejectCode.INVALID_NUMBER)
    except BadMoment as exc:
        return _reject(line, "", exc, RejectCode.BAD_NOT_AFTER)
    return Suppression(
        phone=phone,
        account=cells["account"] or given.account,
        reason=cells["reason"] or given.reason,
        source=cells["source"] or given.source,
        added_at=added_at or given.added_at,
        expires_at=expires_at or given.expires_at,
    )


def _aware(written: str) -> datetime | None:
    if not written:
        return None
    moment = parse_moment(written)
    if moment.tzinfo is None:
        raise BadMoment("the moment has no offset", "write 2026-12-05T15:00-05:00")
    return moment.astimezone(UTC)


def _numbers(table: Table) -> Iterator[tuple[int, str, str, str]]:
    """Of each row its line, the column of its number, the number as written, and the reason where a column has one."""
    places = [place for name in NUMBER_COLUMNS for place in table.columns_named(name)]
    reasons = table.columns_named("reason")
    if places:
        for row in table.rows():
            why = _cell(row.cells, reasons[0]) if reasons else ""
            yield row.line, table.header[places[0]], _cell(row.cells, places[0]), why
        return
    if len(table.names) != 1:
        there = ", ".join(name for name in table.names if not any(map(str.isdigit, name)))
        raise NoNumbers(f"{table.file}: no column is named phone or number", f"name one of its columns so: {there}")
    yield table.header_line, "", table.header[0], ""  # numbers and nothing else, from the first line on
    for row in table.rows():
        yield row.line, "", _cell(row.cells, 0), ""


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if len(cells) > place else ""


def _reject(line: int, column: str, exc: BadPhoneNumber | BadMoment, code: RejectCode) -> Reject:
    return Reject(line=line, column=column, code=code, reason=str(exc), suggestion=exc.suggestion)


def export_file(ledger: Ledger, path: Path) -> int:
    """Write the list as CSV that `import` reads again; returns how many lines. Numbers stand in it in full."""
    with ledger.reading() as db:
        lines = ledgered.listed(db)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        for line in lines:
            expires = line.expires_at.isoformat() if line.expires_at else ""
            writer.writerow([line.phone, line.account, line.reason, line.source, line.added_at.isoformat(), expires])
    return len(lines)
