"""Puts a list of numbers on the suppression list: good rows go in, bad ones are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.table import Table
from campaigns.audience.rejects import Reject, RejectCode
from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.ledger import moves
from campaigns.ledger.numbers.suppressions import EVERY_ACCOUNT, Suppression, listed
from campaigns.ledger.store import Ledger
from campaigns.operations.suppression_list import HASH, suppress_all
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, parse

COLUMNS = ("phone", "account", "reason", "source", "added_at", "expires_at")
NUMBER_COLUMNS = ("phone", "number", "phonenumber", "telephone", "msisdn")
IMPORTED_AT_ONCE = 2000
ENCODING_OPTION = "--encoding"


Seen = dict[tuple[str, str], datetime | None]  # by number and account: until when


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
    encoding_setting: str = ENCODING_OPTION,
    dry_run: bool = False,
) -> ImportResult:
    """Add the numbers of a CSV or XLSX file: of the first column named like NUMBER_COLUMNS, or of its only column.

    Rows that cannot be read are returned as rejects, all others are added, also rows that a sheet hides. `country` is
    that of numbers without a plus. A column `reason` takes precedence over the argument. `encoding` is that of a
    text file, named by `encoding_setting`; None: as it shows. A file that
    `export_file` wrote is imported with its accounts, moments and hashes; expired entries are left out.
    With `dry_run` nothing is added: the result says what would be.
    Raises BadContactsFile, NoNumbers.
    """
    defaults = Suppression(phone="", account=account, reason=reason, source=who, added_at=now, expires_at=expires_at)
    added = known = expired = 0
    rejects: list[Reject] = []
    table = open_table(path, columns=NUMBER_COLUMNS, encoding=encoding, encoding_setting=encoding_setting)
    rows, seen = _read(table, country, defaults), Seen()
    while batch := list(islice(rows, IMPORTED_AT_ONCE)):
        rejects += [row for row in batch if isinstance(row, Reject)]
        entries = [row for row in batch if isinstance(row, Suppression)]
        in_force = [entry for entry in entries if entry.holds(now)]
        if dry_run:
            with ledger.reading() as db:
                new = sum(_would_be_new(db, in_force, ledger.forms, seen))
        else:
            new = ledger.write(suppress_all, in_force, ledger.hashes)
        added, known, expired = added + new, known + len(in_force) - new, expired + len(entries) - len(in_force)
    if not dry_run:
        detail = f"{added} added, {known} known, {expired} expired, {len(rejects)} not understood"
        ledger.write(moves.write_audit, now, who=who, event="suppressions imported", detail=detail)
    return ImportResult(added=added, known=known, expired=expired, rejects=tuple(rejects), remarks=table.remarks)


def _would_be_new(
    db: Connection, entries: Sequence[Suppression], forms: Callable[[str], Iterable[str]], seen: Seen
) -> Iterator[bool]:
    """Of each entry whether it is new, or in force for longer than what is listed and what came before it."""
    spellings = {
        entry.phone: {entry.phone} if HASH.fullmatch(entry.phone) else set(forms(entry.phone)) for entry in entries
    }
    until = {(line.phone, line.account): line.expires_at for line in listed(db, set().union(*spellings.values()))}
    for entry in entries:
        places = [(form, entry.account) for form in spellings[entry.phone]]
        ends = [moments[place] for moments in (until, seen) for place in places if place in moments]
        yield not any(end is None or (entry.expires_at is not None and entry.expires_at <= end) for end in ends)
        seen[entry.phone, entry.account] = entry.expires_at


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
            yield _reject(line, column, exc, RejectCode.INVALID_NUMBER, (written, reason))


def _exported(line: int, cells: Mapping[str, str], defaults: Suppression) -> Suppression | Reject:
    """An exported row as an entry; `defaults` apply where its account, reason, source or end is blank."""
    try:
        written = cells["phone"].strip()
        phone = written if HASH.fullmatch(written) else parse(written).e164
        added_at, expires_at = (_moment(cells[name]) for name in ("added_at", "expires_at"))
    except BadPhoneNumber as exc:
        return _reject(line, "phone", exc, RejectCode.INVALID_NUMBER, tuple(cells.values()))
    except BadMoment as exc:
        return _reject(line, "", exc, RejectCode.BAD_NOT_AFTER, tuple(cells.values()))
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


def _reject(line: int, column: str, exc: BadPhoneNumber | BadMoment, code: RejectCode, cells: Sequence[str]) -> Reject:
    return Reject(line=line, column=column, code=code, reason=str(exc), suggestion=exc.suggestion, cells=cells)
