"""What archives hold of a person: the rows of a number, as the ledger had them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import JSON, Boolean, Float, Integer, Table

from campaigns.ledger.lists.archives import Archive
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.operations.archives.archive_files import ArchiveFiles, read_rows
from campaigns.reporting.report import files_locked

READ: Mapping[type, Callable[[str], Any]] = {Boolean: "true".__eq__, Float: float, Integer: int, JSON: json.loads}
Record = SimpleNamespace  # has the columns of a row by their names; None where the file has nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedContact:
    """A row of a list, its calls, and the receipts of each by the call's id."""

    manifest: Path
    rehearsal: bool
    contact: Record
    calls: Sequence[Record]
    receipts: Mapping[str, Sequence[Record]]


@dataclass(slots=True)
class FoundInArchives:
    """The contacts; files that could not be read; and archives that are not on this machine, which may hold more."""

    contacts: list[ArchivedContact] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    elsewhere: list[Archive] = field(default_factory=list)


def find_in_archives(noted: Sequence[Archive], hashes: Collection[str]) -> FoundInArchives:
    """Look through these archives for a number with these hashes."""
    found = FoundInArchives()
    for archive in noted:
        files = ArchiveFiles.noted(archive)
        if not files.manifest.is_file():
            found.elsewhere.append(archive)
            continue
        try:
            with files_locked(files.folder):
                found.contacts += _contacts(files, hashes)
        except (OSError, ValueError, LookupError, csv.Error):
            found.unreadable.append(files.manifest)
    return found


def _contacts(files: ArchiveFiles, hashes: Collection[str]) -> Iterator[ArchivedContact]:
    of_person = list(_records(files, contacts, "phone_hash", hashes))
    if not of_person:
        return
    rehearsal = bool(files.read_manifest()["campaign"]["rehearsal"])
    calls = list(_records(files, attempts, "contact_id", {str(contact.id) for contact in of_person}))
    of_calls = list(_records(files, receipts, "attempt_id", {call.id for call in calls}))
    for contact in of_person:
        own = [call for call in calls if call.contact_id == contact.id]
        yield ArchivedContact(
            manifest=files.manifest,
            rehearsal=rehearsal,
            contact=contact,
            calls=own,
            receipts={call.id: [receipt for receipt in of_calls if receipt.attempt_id == call.id] for call in own},
        )


def _records(files: ArchiveFiles, table: Table, column: str, values: Collection[str]) -> Iterator[Record]:
    """The rows of a file that have one of these values in this column."""
    rows = read_rows(files.of(table))
    names = next(rows, [])
    place = names.index(column)
    for cells in rows:
        if cells[place] in values:
            yield Record(**{name: _value(table, name, cell) for name, cell in zip(names, cells, strict=True)})


def _value(table: Table, name: str, cell: str) -> Any:
    """A cell as the column had it; times and ids stay text, as JSON has them."""
    if not cell:
        return None
    kind = table.c[name].type
    return next((read(cell) for known, read in READ.items() if isinstance(kind, known)), cell)
