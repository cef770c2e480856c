"""Erasure in archives: a person's row, calls and receipts are emptied as an erasure does it in the ledger."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Table

from campaigns.ledger.lists import archives
from campaigns.ledger.numbers.erasures import CONTENT, ERASED, TIMING
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts, receipts
from campaigns.operations.archives.archive_files import ArchiveFiles, read_rows, write_rows
from campaigns.reporting.report import files_locked

PERSONAL = {
    "contacts": dict.fromkeys((*CONTENT, *TIMING, "corrected"), "") | {"phone": ERASED, "reason": ERASED},
    "attempts": dict.fromkeys(("detail", "corrected", "local_time", "zone"), ""),
    "receipts": {"body": ERASED, "pressed": ""},
}


@dataclass(slots=True)
class ErasedArchives:
    """Files of archives that were written anew, or could not be, and manifests of those that are not on this machine.

    `campaigns` are those of the archives that have the number.
    """

    rewritten: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)
    elsewhere: list[Path] = field(default_factory=list)
    campaigns: list[str] = field(default_factory=list)


def erase_in_archives(ledger: Ledger, hashes: Collection[str]) -> ErasedArchives:
    """Empty what archives hold of a number with these hashes."""
    erased = ErasedArchives()
    with ledger.reading() as db:
        noted = archives.all_archives(db)
    for archive in noted:
        files = ArchiveFiles(Path(archive.folder), archive.campaign)
        if not files.manifest.is_file():
            erased.elsewhere.append(files.manifest)
            continue
        try:
            with files_locked(files.folder):
                if _empty(ledger, files, hashes):
                    erased.rewritten += files.all
                    erased.campaigns.append(archive.campaign)
        except (OSError, ValueError, csv.Error):
            erased.left += files.all
    return erased


def _empty(ledger: Ledger, files: ArchiveFiles, hashes: Collection[str]) -> bool:
    """Write the files anew where they have the number. A run that was killed is made up for by the next."""
    ids = _ids(files, contacts, "phone_hash", hashes)
    if not ids:
        return False
    calls = _ids(files, attempts, "contact_id", ids)
    for table, column, of_person in ((receipts, "attempt_id", calls), (attempts, "id", calls), (contacts, "id", ids)):
        _rewrite(files.of(table), PERSONAL[table.name], column, of_person)
    described = {"version", "files"}
    files.write_manifest({name: fact for name, fact in files.read_manifest().items() if name not in described})
    ledger.write(archives.note_rewritten, files.campaign, files.hash())
    return True


def _ids(files: ArchiveFiles, table: Table, column: str, values: Collection[str]) -> set[str]:
    """The ids of the rows that have one of these values."""
    rows = read_rows(files.of(table))
    names = next(rows)
    place, own = names.index(column), names.index("id")
    return {cells[own] for cells in rows if cells[place] in values}


def _rewrite(file: Path, personal: dict[str, str], column: str, values: Collection[str]) -> None:
    """Write a file anew, with what is personal emptied in the rows that have one of these values."""
    rows = read_rows(file)
    names = next(rows)
    changes = [(names.index(name), text) for name, text in personal.items()]
    write_rows(file, names, _changed(rows, names.index(column), values, changes))


def _changed(
    rows: Iterator[list[str]], place: int, values: Collection[str], changes: list[tuple[int, str]]
) -> Iterator[list[str]]:
    for cells in rows:
        if cells[place] in values:
            for changed, text in changes:
                cells[changed] = text
        yield cells
