"""Opens a list in any of its formats: XLSX by its content, everything else as delimited text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from campaigns.audience import xlsx
from campaigns.audience.encoding import BadContactsFile
from campaigns.audience.table import Row, Table, open_delimited
from campaigns.audience.xlsx import open_workbook

ZIP_SIGNATURE = b"PK\x03\x04"  # the first bytes of every XLSX file


def open_table(path: Path, sheet: str | None = None) -> Table:
    """Open a list and read its header. Raises BadContactsFile when it is missing, empty or unreadable.

    `sheet` names the sheet of a workbook; None: its first.
    """
    if not path.exists():
        raise BadContactsFile(f"{path}: no such file", "contacts.file is looked for beside the campaign file")
    try:
        if _is_workbook(path):
            return open_workbook(path, sheet)
        if sheet is not None:
            raise BadContactsFile(f"{path}: this is no workbook, it has no sheets", "remove contacts.sheet")
        return open_delimited(path)
    except OSError as exc:
        raise BadContactsFile(f"{path}: the list cannot be read: {exc.strerror or exc}", "check the path") from None


def all_records(path: Path) -> Iterator[Row]:
    """Every row of a list that is not blank, its header too, of all sheets. Raises BadContactsFile, OSError."""
    return xlsx.all_records(path) if _is_workbook(path) else open_delimited(path).records()


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(ZIP_SIGNATURE)) == ZIP_SIGNATURE
