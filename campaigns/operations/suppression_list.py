"""The suppression list for operators: add, remove, import, export, and look up a number."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection

from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.table import Table
from campaigns.audience.formulas import harmless
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.ledger import moves
from campaigns.ledger.numbers import erasures
from campaigns.ledger.numbers.suppressions import (
    EVERY_ACCOUNT,
    Suppression,
    count_listed,
    erased_numbers,
    listed,
    listed_after,
    suppress,
    unsuppress,
)
from campaigns.ledger.store import Ledger
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse
from dialer.whole_file import whole_file

COLUMNS = ("phone", "account", "reason", "source", "added_at", "expires_at")
NUMBER_COLUMNS = ("phone", "number", "phonenumber", "telephone", "msisdn")
HASH = re.compile(r"hash:[0-9a-f]{40}")  # stored instead of a number that was erased
IMPORTED_AT_ONCE = 2000
ENCODING_OPTION = "--encoding"


class NoNumbers(DialerError):
    """The file has no column of phone numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """Entries of an imported file.

    added    new, or in force for longer than before
    known    already in force for at least as long
    expired  left out: their end has passed
    rejects  rows that could not be read
    remarks  sentences about sheets that were not read and look like lists too
    """

    added: int
    known: int
    expired: int
    rejects: Sequence[Reject]
    remarks: Sequence[str] = ()


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
    return ledger.write(_suppress_all, [entry], ledger.hashes) > 0


def remove(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime, account: str = EVERY_ACCOUNT) -> bool:
    """Take a number off the list of this account, with an audit line; False if it was not there."""
    with ledger.writing() as db:
        removed = unsuppress(db, ledger.forms(number.e164), account=account)
        if removed:
            moves.write_audit(
                db, now, who=who, event="suppression removed", detail=f"{number.masked} {account}".strip()
            )
    return removed > 0


def entries_of(ledger: Ledger, number: PhoneNumber) -> list[Suppression]:
    """All entries of a number, oldest first, also expired ones, and those of a number that was erased."""
    with ledger.reading() as db:
        return listed(db, ledger.forms(number.e164))


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
    encoding: str | None = None,
) -> ImportResult:
    """Add the numbers of a CSV or XLSX file: of the first column named like NUMBER_COLUMNS, or of its only column.

    Rows that cannot be read are returned as rejects, all others are added, also rows that a sheet hides. `country` is
    that of numbers without a plus. A column `reason` takes precedence over the argument. `encoding` is that of a
    text file, `--encoding` on the command line; None: as it shows. A file that
    `export_file` wrote is imported with its accounts, moments and hashes; expired entries are left out.
    Raises BadContactsFile, NoNumbers.
    """
    defaults = Suppression(phone="", account=account, reason=reason, source=who, added_at=now, expires_at=expires_at)
    added = known = expired = 0
    rejects: list[Reject] = []
    table = open_table(path, columns=NUMBER_COLUMNS, encoding=encoding, encoding_setting=ENCODING_OPTION)
    rows = _read(table, country, defaults)
    while batch := list(islice(rows, IMPORTED_AT_ONCE)):
        rejects += [row for row in batch if isinstance(row, Reject)]
        entries = [row for row in batch if isinstance(row, Suppression)]
        in_force = [entry for entry in entries if entry.holds(now)]
        new = ledger.write(_suppress_all, in_force, ledger.hashes)
        added, known, expired = added + new, known + len(in_force) - new, expired + len(entries) - len(in_force)
    return ImportResult(added=added, known=known, expired=expired, rejects=tuple(rejects), remarks=table.remarks)


def _suppress_all(db: Connection, entries: Sequence[Suppression], hashes: Callable[[str], Iterable[str]]) -> int:
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


def _read(table: Table, country: str | None, defaults: Suppression) -> Iterator[Suppression | Reject]:
    """The entries of the file, with `defaults` for what it does not say, and the rows that cannot be read."""
    if all(table.columns_named(name) for name in COLUMNS):
        indexes = {name: table.columns_named(name)[0] for name in COLUMNS}
        for row in table.rows():
            yield _exported(row.line, {name: "".join(row.cells[at : at + 1]) for name, at in indexes.items()}, defaults)
        return
    for line, column, written, reason in _numbers(table):
        try:
            yield replace(defaults, phone=parse(written, country).e164, reason=reason or defaults.reason)
        except BadPhoneNumber as exc:
            yield _reject(line, column, exc, RejectCode.INVALID_NUMBER)


def _exported(line: int, cells: Mapping[str, str], defaults: Suppression) -> Suppression | Reject:
    """An exported row as an entry; `defaults` apply where its account, reason, source or end is blank."""
    try:
        written = cells["phone"].strip()
        phone = written if HASH.fullmatch(written) else parse(written).e164
        added_at, expires_at = (_moment(cells[name]) for name in ("added_at", "expires_at"))
    except BadPhoneNumber as exc:
        return _reject(line, "phone", exc, RejectCode.INVALID_NUMBER)
    except BadMoment as exc:
        return _reject(line, "", exc, RejectCode.BAD_NOT_AFTER)
    return Suppression(
        phone=phone,
        account=cells["account"] or defaults.account,
        reason=cells["reason"] or defaults.reason,
        source=cells["source"] or defaults.source,
        added_at=added_at or defaults.added_at,
        expires_at=expires_at or defaults.expires_at,
    )


def _moment(written: str) -> datetime | None:
    if not written.strip():
        return None
    moment = parse_moment(written)
    if moment.tzinfo is None:
        raise BadMoment("the moment has no offset", "write 2026-12-05T15:00-05:00")
    return moment.astimezone(UTC)


def _numbers(table: Table) -> Iterator[tuple[int, str, str, str]]:
    """Of each row: line, column of the number, number as written, and reason, blank where there is none."""
    numbers = [index for name in NUMBER_COLUMNS for index in table.columns_named(name)]
    reasons = table.columns_named("reason")
    if numbers:
        for row in table.rows():
            reason = _cell(row.cells, reasons[0]) if reasons else ""
            yield row.line, table.header[numbers[0]], _cell(row.cells, numbers[0]), reason
        return
    if len(table.names) != 1:
        message = f"{table.file}: no column is named phone or number"
        if line := next(filter(None, map(table.line_of_header, NUMBER_COLUMNS)), None):
            raise NoNumbers(message, f"the columns' names stand in line {line}: remove what is above it")
        names = ", ".join(name for name in table.names if not any(map(str.isdigit, name)))
        raise NoNumbers(message, f"name one of its columns so: {names}")
    yield table.header_line, "", table.header[0], ""  # a file of numbers without a header
    for row in table.rows():
        yield row.line, "", _cell(row.cells, 0), ""


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index].strip() if len(cells) > index else ""


def _reject(line: int, column: str, exc: BadPhoneNumber | BadMoment, code: RejectCode) -> Reject:
    return Reject(line=line, column=column, code=code, reason=str(exc), suggestion=exc.suggestion)


def newest(ledger: Ledger, limit: int) -> tuple[list[Suppression], int]:
    """The newest entries, at most so many, and how many there are in all."""
    with ledger.reading() as db:
        return listed(db, newest=limit), count_listed(db)


def entries_after(ledger: Ledger, after: int | None, limit: int) -> list[tuple[int, Suppression]]:
    """The next `limit` entries after the one with the id `after`, each with its id, newest first."""
    with ledger.reading() as db:
        return listed_after(db, after=after, limit=limit)


def export_file(ledger: Ledger, path: Path) -> int:
    """Write the list as a CSV file that `import_file` reads again; returns the number of entries.

    Numbers are written in full (E.164), or as a hash where they were erased; only the owner may read the file.
    """
    with whole_file(path, encoding="utf-8-sig") as stream:
        return write_lines(ledger, stream)


def write_lines(ledger: Ledger, stream: TextIO) -> int:
    """Write the list as `export_file` does; returns the number of entries."""
    with ledger.reading() as db:
        entries = listed(db)
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for entry in entries:
        added_at, expires_at = entry.added_at.isoformat(), entry.expires_at.isoformat() if entry.expires_at else ""
        texts = map(harmless, (entry.phone, entry.account, entry.reason, entry.source))
        writer.writerow([*texts, added_at, expires_at])
    return len(entries)
