"""What people may do with the suppression list: add, import, export, remove, and ask why a number stands there."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from campaigns.ledger import moves
from campaigns.ledger import suppressions as ledgered
from campaigns.ledger.store import Ledger
from campaigns.ledger.suppressions import EVERY_ACCOUNT, Suppression
from campaigns.lists import open_table
from campaigns.rejects import Code, Reject
from dialer.errors import DialerError
from dialer.phone import BadPhoneNumber, PhoneNumber, parse

COLUMNS = ("phone", "account", "reason", "source", "added_at", "expires_at")
NUMBER_COLUMNS = ("phone", "number", "phonenumber", "telephone", "msisdn")
IMPORTED_AT_ONCE = 2000


class NoNumbers(DialerError):
    """The file has no column of numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to: `added` are new or kept for longer now, `known` were there already."""

    added: int
    known: int
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
    """Put a number on the list, from the next dial on; False if it is there for as long already."""
    facts = {"reason": reason, "source": who, "expires_at": expires_at, "account": account}
    return ledger.write(ledgered.suppress, number.e164, now=now, **facts)


def remove(ledger: Ledger, number: PhoneNumber, *, who: str, now: datetime, account: str = EVERY_ACCOUNT) -> bool:
    """Take a number off the list of this account, leaving an audit line; False if it was not there."""
    with ledger.writing() as db:
        forms = (number.e164, ledger.fingerprint(number.e164))
        gone = ledgered.unsuppress(db, forms, account=account)
        if gone:
            moves.note(db, now, who=who, event="suppression removed", detail=f"{number.masked} {account}".strip())
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

    Raises BadContactsFile, NoNumbers. A column `reason` counts for more than `reason`.
    """
    added = known = 0
    rejects: list[Reject] = []
    batch: list[tuple[str, str]] = []
    for read in _numbers(path, country, reason):
        if isinstance(read, Reject):
            rejects.append(read)
            continue
        batch.append(read)
        if len(batch) == IMPORTED_AT_ONCE:
            new = _suppress_all(ledger, batch, who=who, now=now, account=account, expires_at=expires_at)
            added, known, batch = added + new, known + len(batch) - new, []
    new = _suppress_all(ledger, batch, who=who, now=now, account=account, expires_at=expires_at)
    return Imported(added=added + new, known=known + len(batch) - new, rejects=tuple(rejects))


def _suppress_all(
    ledger: Ledger,
    batch: Sequence[tuple[str, str]],
    *,
    who: str,
    now: datetime,
    account: str,
    expires_at: datetime | None,
) -> int:
    with ledger.writing() as db:
        return sum(
            ledgered.suppress(db, phone, reason=reason, source=who, now=now, account=account, expires_at=expires_at)
            for phone, reason in batch
        )


def _numbers(path: Path, country: str | None, reason: str) -> Iterator[tuple[str, str] | Reject]:
    table = open_table(path)
    places = [place for name in NUMBER_COLUMNS for place in table.columns(name)]
    reasons = table.columns("reason")
    rows = [(row.line, list(row.cells)) for row in table.rows()] if not places else None
    if not places and len(table.names) != 1:
        there = ", ".join(name for name in table.names if not any(map(str.isdigit, name)))
        raise NoNumbers(f"{path}: no column is named phone or number", f"name one of its columns so: {there}")
    if rows is not None:  # numbers and nothing else, from the first line on
        rows.insert(0, (table.header_line, [table.header[0]]))
    for line, cells in rows if rows is not None else ((row.line, list(row.cells)) for row in table.rows()):
        written = cells[places[0] if places else 0] if len(cells) > (places[0] if places else 0) else ""
        why = cells[reasons[0]].strip() if reasons and len(cells) > reasons[0] else ""
        try:
            yield parse(written, country).e164, why or reason
        except BadPhoneNumber as exc:
            yield Reject(
                line=line,
                column=table.header[places[0]] if places else "",
                code=Code.INVALID_NUMBER,
                reason=str(exc),
                suggestion=exc.suggestion,
            )


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
