"""Opening a list, whichever format it is in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from campaigns.audience import xlsx
from campaigns.audience.encoding import BadContactsFile
from campaigns.audience.table import Row, Table, open_delimited
from campaigns.audience.xlsx import open_workbook

ZIP_SIGNATURE = b"PK\x03\x04"  # what XLSX begins with


def open_table(path: Path, sheet: str | None = None) -> Table:
    """Find out how a list is written. Raises BadContactsFile when it is missing, empty or unreadable.

    `sheet` names the one to read where the list is a workbook.
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
    """Every row of a list in which something stands, whichever sheet it is in. Raises BadContactsFile, OSError."""
    return xlsx.all_records(path) if _is_workbook(path) else open_delimited(path).records()


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(ZIP_SIGNATURE)) == ZIP_SIGNATURE
