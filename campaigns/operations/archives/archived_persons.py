"""What archives hold of a person: the rows of a number, as the ledger had them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import JSON, Boolean, Float, Integer, Table

from campaigns.ledger.lists.archives import Archive
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.operations.archives.archive_files import ArchiveFiles, read_rows
from campaigns.operations.archives.archive_walk import walk

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundInArchives:
    """The contacts; files that could not be read; and campaigns whose archives are elsewhere, which may hold more."""

    contacts: Sequence[ArchivedContact]
    unreadable: Sequence[Path]
    elsewhere: Sequence[str]


def find_in_archives(noted: Sequence[Archive], hashes: Collection[str]) -> FoundInArchives:
    """Look through these archives for a number with these hashes."""
    walked = walk(noted, lambda files: list(_contacts(files, hashes)))
    return FoundInArchives(
        contacts=[contact for _, of_archive in walked.done for contact in of_archive],
        unreadable=[files.manifest for files in walked.damaged],
        elsewhere=[files.campaign for files in walked.elsewhere],
    )


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
