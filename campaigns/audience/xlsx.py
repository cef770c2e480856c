"""A list in a spreadsheet's own format (XLSX): the cells as people see them, whatever the workbook keeps them as."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from campaigns.audience.encoding import BadContactsFile
from campaigns.audience.table import Row, Table, header_of

EXACT_INTEGERS_BELOW = 10**15  # spreadsheets keep fifteen digits; the others are lost
SAVE_AGAIN = 'open it in the spreadsheet and save it again, or save it as "CSV UTF-8"'


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookTable(Table):
    """A list in one sheet of a workbook; a row's line is its number in the sheet."""

    sheet: str

    def records(self) -> Iterator[Row]:
        with _told(self.file), _opened(self.file) as book:
            yield from _records(book[self.sheet])

    def rows(self) -> Iterator[Row]:
        width = len(self.header)  # empty cells at a row's end are not kept
        for row in Table.rows(self):  # a dataclass with slots has no super() of its own
            yield Row(row.line, [*row.cells, *[""] * (width - len(row.cells))])

    def estimated_rows(self) -> int:
        with _told(self.file), _opened(self.file) as book:
            return int(book[self.sheet].max_row or 0)

    @property
    def advice(self) -> str:
        return "give the column a name in the first row, or empty the cells that have none"


def open_workbook(path: Path, sheet: str | None = None) -> WorkbookTable:
    """Find the list in a workbook: the sheet of this name, or the first. Raises BadContactsFile."""
    with _told(path), _opened(path) as book:
        name = _sheet(path, [one.title for one in book.worksheets], sheet)
        first = header_of(path, _records(book[name]))
    return WorkbookTable(file=path, sheet=name, header=tuple(first.cells), header_line=first.line)


def all_records(path: Path) -> Iterator[Row]:
    """Every row in which something stands, of every sheet. Raises BadContactsFile."""
    with _told(path), _opened(path) as book:
        for sheet in book.worksheets:
            yield from _records(sheet)


def _sheet(path: Path, names: Sequence[str], wanted: str | None) -> str:
    if not names:
        raise BadContactsFile(f"{path}: the workbook has no sheet of cells", SAVE_AGAIN)
    if wanted is None:
        return names[0]
    found = next((name for name in names if name.casefold() == wanted.casefold()), None)
    if found is None:
        raise BadContactsFile(f"{path}: the workbook has no sheet {wanted!r}", f"its sheets are {', '.join(names)}")
    return found


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The workbook, read a row at a time."""
    with path.open("rb") as stream, closing(load_workbook(stream, read_only=True, data_only=True)) as book:
        yield book


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A workbook is a zip of XML: damage shows in every way in which either can be damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that we do not read
            yield
    except (BadContactsFile, OSError, GeneratorExit):
        raise
    except Exception as exc:
        message = f"{path}: the workbook cannot be read: {type(exc).__name__}: {exc}"
        raise BadContactsFile(message.splitlines()[0][:300], SAVE_AGAIN) from None


def _records(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # some programs write them wrong, and rows would be cut
    for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_text(value) for value in values]
        if any(cell.strip() for cell in cells):
            yield Row(line, cells)


def _text(value: object) -> str:
    """A cell as people see it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        exact = abs(value) < EXACT_INTEGERS_BELOW and value == int(value)
        return str(int(value)) if exact else f"{value:.15g}".upper()
    return _moment(value)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else _short(value.isoformat(timespec="seconds"))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _short(value.isoformat(timespec="seconds"))
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _short(iso: str) -> str:
    return iso.removesuffix(":00")
