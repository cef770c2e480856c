"""Opening a list, whichever format it is in."""

from __future__ import annotations

from pathlib import Path

from campaigns.encoding import BadContactsFile
from campaigns.table import Table, open_delimited
from campaigns.workbook import open_workbook

ZIP = b"PK\x03\x04"  # what XLSX begins with


def open_table(path: Path, sheet: str | None = None) -> Table:
    """Find out how a list is written. Raises BadContactsFile when it is missing, empty or unreadable.

    `sheet` names the one to read where the list is a workbook.
    """
    if not path.exists():
        raise BadContactsFile(f"{path}: no such file", "contacts.file is looked for beside the campaign file")
    try:
        with path.open("rb") as stream:
            is_workbook = stream.read(len(ZIP)) == ZIP
        if is_workbook:
            return open_workbook(path, sheet)
        if sheet is not None:
            raise BadContactsFile(f"{path}: this is no workbook, it has no sheets", "remove contacts.sheet")
        return open_delimited(path)
    except OSError as exc:
        raise BadContactsFile(f"{path}: the list cannot be read: {exc.strerror or exc}", "check the path") from None
