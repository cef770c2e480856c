"""The files of an archived campaign: a CSV file for each table, and a manifest with their columns and hashes.

A cell that a spreadsheet would run as a formula has an apostrophe before it. The manifest is written last: where it
is, the files are whole.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, Float, Integer, Row, Table, Uuid

from campaigns.audience.formulas import harmless
from campaigns.ledger.lists import archives
from campaigns.ledger.lists.archives import Archive
from campaigns.ledger.numbers.erasures import ERASED, shown_number
from campaigns.ledger.tables import UtcTime
from dialer.errors import DialerError
from dialer.whole_file import whole_file

VERSION = 1
TYPES = {
    Boolean: "true or false",
    Float: "number",
    Integer: "integer",
    Uuid: "UUID",
    UtcTime: "time, RFC 3339",
    JSON: "JSON",
}
HOLDS_NUMBERS = {
    "phone": shown_number,
    "body": lambda _: "",
}  # columns, and what stands there unless numbers are wanted
LONGEST_CELL = 16 * 1024 * 1024


class ArchiveDamaged(DialerError):
    """The files of an archive are missing, or are not as they were written."""


@dataclass(frozen=True, slots=True)
class ArchiveFiles:
    """Where the files of a campaign are in a folder."""

    folder: Path
    campaign: str

    @classmethod
    def noted(cls, archive: Archive) -> ArchiveFiles:
        """Those of an archive that the ledger knows of; they may be on another machine."""
        return cls(Path(archive.folder), archive.campaign)

    @property
    def manifest(self) -> Path:
        """The file that names the others."""
        return self.folder / f"{self.campaign}-archive.json"

    def of(self, table: Table) -> Path:
        """The file of one table."""
        return archives.archive_file(self.folder, self.campaign, table.name)

    @property
    def all(self) -> list[Path]:
        """All of them."""
        return [*map(self.of, archives.MOVED), self.manifest]

    def write(self, db: Connection, facts: Mapping[str, Any], *, with_numbers: bool) -> None:
        """Write all files; `facts` are what the manifest says beside them. Raises OSError."""
        for table in archives.MOVED:
            rows = archives.rows_of(db, self.campaign, table)
            write_rows(self.of(table), archives.kept_columns(table), _cells(rows, table, with_numbers=with_numbers))
        self.write_manifest(dict(facts) | {"numbers": with_numbers})

    def write_manifest(self, facts: Mapping[str, Any]) -> None:
        """Write the manifest for the files as they are now. Raises OSError."""
        tables = {table.name: _described(self.of(table), table) for table in archives.MOVED}
        with whole_file(self.manifest) as out:
            json.dump(dict(facts) | {"version": VERSION, "files": tables}, out, indent=1, default=str)

    def hash(self) -> str:
        """That of the manifest, and by it of all files. Raises OSError."""
        return file_hash(self.manifest)

    def verify(self, manifest_hash: str | None = None) -> Mapping[str, int]:
        """Read everything back from the disk; returns the rows of each table. Raises ArchiveDamaged."""
        try:
            if manifest_hash is not None and file_hash(self.manifest) != manifest_hash:
                raise ArchiveDamaged(f"{self.manifest} is not as it was written", "put the file back as it was")
            described = self.read_manifest()["files"]
            for table in archives.MOVED:
                file, written = self.of(table), described[table.name]
                if file_hash(file) != written["sha256"] or count_rows(file) != written["rows"]:
                    raise ArchiveDamaged(f"{file} is not as it was written", "put the file back as it was")
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as exc:
            raise ArchiveDamaged(
                f"the archive of {self.campaign} in {self.folder} cannot be read: {exc}", "put its files back"
            ) from None
        return {name: written["rows"] for name, written in described.items()}

    def read_manifest(self) -> dict[str, Any]:
        """What the manifest says. Raises OSError, ValueError."""
        manifest: dict[str, Any] = json.loads(self.manifest.read_text("utf-8"))
        return manifest

    def bring_to_disk(self) -> None:
        """Return when the files outlive a power cut."""
        for place in (*self.all, self.folder):
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a file whole, readable by its owner only. Raises OSError."""
    with whole_file(file) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_rows(file: Path) -> Iterator[list[str]]:
    """The lines of a file, the names of its columns first. Raises OSError, csv.Error."""
    usual = csv.field_size_limit(LONGEST_CELL)  # of lists, whose cells are looked at one by one
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            yield from csv.reader(stream)
    finally:
        csv.field_size_limit(usual)


def count_rows(file: Path) -> int:
    """How many rows it has beside the names of its columns; ValueError where one has another number of cells."""
    rows, columns = -1, None
    for cells in read_rows(file):
        rows, columns = rows + 1, columns or len(cells)
        if len(cells) != columns:
            raise ValueError(f"row {rows} of {file.name} has {len(cells)} cells, not {columns}")
    return rows


def file_hash(file: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _cells(rows: Iterable[Row[Any]], table: Table, *, with_numbers: bool) -> Iterator[list[str]]:
    names = archives.kept_columns(table)
    hidden: list[tuple[int, Callable[[str], str]]] = []
    if not with_numbers:
        hidden = [(names.index(name), hide) for name, hide in HOLDS_NUMBERS.items() if name in names]
    for row in rows:
        cells = [_cell(value) for value in row]
        for place, hide in hidden:
            cells[place] = hide(cells[place]) if cells[place] != ERASED else ERASED
        yield cells


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case dict() | list():
            return harmless(json.dumps(value, ensure_ascii=False))
        case str():
            return harmless(value)
        case _:
            return str(value)


def _described(file: Path, table: Table) -> dict[str, Any]:
    columns = [{"name": name, "type": _type_of(table, name)} for name in archives.kept_columns(table)]
    return {"file": file.name, "rows": count_rows(file), "sha256": file_hash(file), "columns": columns}


def _type_of(table: Table, name: str) -> str:
    kind = table.c[name].type
    return next((words for known, words in TYPES.items() if isinstance(kind, known)), "text")
