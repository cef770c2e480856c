"""Opens a list in any of its formats: XLSX by its content, everything else as delimited text."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from campaigns.audience.files import xlsx
from campaigns.audience.files.encoding import CONTACTS_ENCODING, BadContactsFile
from campaigns.audience.files.table import Row, Table, open_delimited
from campaigns.audience.files.workbook.archive import SAVE_AS_XLSX
from campaigns.audience.files.xlsx import open_workbook
from dialer.regular_file import check_regular

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")  # the first bytes of every XLSX file, and of an empty archive
MARKUP_SHARE = 4  # a row of a workbook's XML is about so many times as long as it is in CSV
OTHER_SIGNATURES = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed with gzip",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}
MARKUP = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|table|\?xml|\?mso)", re.IGNORECASE)


def open_table(
    path: Path,
    sheet: str | None = None,
    columns: Collection[str] = (),
    *,
    encoding: str | None = None,
    encoding_setting: str = CONTACTS_ENCODING,
) -> Table:
    """Open a list and read its header. Raises BadContactsFile when it is missing, empty or unreadable.

    `sheet` names the sheet of a workbook; None: the first visible one with one of these columns, else the first with
    anything in it. `encoding` is that of a text file, named by `encoding_setting`; None: as it shows.
    """
    if not path.exists():
        raise BadContactsFile(f"{path}: no such file", "contacts.file is looked for beside the campaign file")
    try:
        check_regular(path)
        if _is_workbook(path):
            if encoding is not None:
                raise BadContactsFile(f"{path}: a workbook has no encoding of its own", f"remove {encoding_setting}")
            return open_workbook(path, sheet, columns)
        if sheet is not None:
            raise BadContactsFile(f"{path}: this is no workbook, it has no sheets", "remove contacts.sheet")
        _refuse_other_kinds(path)
        return open_delimited(path, encoding, encoding_setting=encoding_setting)
    except OSError as exc:
        raise BadContactsFile(f"{path}: the list cannot be read: {exc.strerror or exc}", "check the path") from None


def all_records(path: Path) -> Iterator[Row]:
    """Every row of a list that is not blank, its header too, of all sheets. Raises BadContactsFile, OSError."""
    return xlsx.all_records(path) if _is_workbook(path) else open_delimited(path).records()


def csv_bytes(stream: BinaryIO) -> int:
    """About how many bytes a list would have as CSV, without reading it; a damaged workbook counts as it is."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if stream.read(4) in ZIP_SIGNATURES:
        with suppress(zipfile.BadZipFile):
            parts = zipfile.ZipFile(stream).infolist()
            size = sum(part.file_size for part in parts if part.filename.endswith(".xml")) // MARKUP_SHARE
    stream.seek(0)
    return size


def _is_workbook(path: Path) -> bool:
    return _head(path).startswith(ZIP_SIGNATURES)


def _refuse_other_kinds(path: Path) -> None:
    """Raise BadContactsFile that names what the file is, when it is no text."""
    head = _head(path)
    kind = next((kind for signature, kind in OTHER_SIGNATURES.items() if head.startswith(signature)), None)
    if MARKUP.match(head):
        kind = "a web page or XML, which some programs call .xls"
    if kind is not None:
        raise BadContactsFile(f"{path}: this is {kind}, and no list that is read here", SAVE_AS_XLSX)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(64)
