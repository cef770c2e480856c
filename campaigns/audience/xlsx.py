"""Reads a list from an XLSX workbook; cells become text as people see them, whatever type the workbook stores."""

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

EXACT_INTEGERS_BELOW = 10**15  # spreadsheets store fifteen digits
SAVE_AGAIN = 'open it in the spreadsheet and save it again, or save it as "CSV UTF-8"'


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookTable(Table):
    """A list in one sheet of a workbook; a row's line is its row number in the sheet."""

    sheet: str

    def records(self) -> Iterator[Row]:
        with _read_errors(self.file), _workbook(self.file) as book:
            yield from _records(book[self.sheet])

    def rows(self) -> Iterator[Row]:
        width = len(self.header)  # openpyxl drops blank cells at the end of a row
        for row in Table.rows(self):  # a dataclass with slots has no super() of its own
            yield Row(row.line, [*row.cells, *[""] * (width - len(row.cells))])

    def estimated_rows(self) -> int:
        with _read_errors(self.file), _workbook(self.file) as book:
            return int(book[self.sheet].max_row or 0)

    @property
    def long_row_advice(self) -> str:
        return "give the column a name in the first row, or empty the cells that have none"


def open_workbook(path: Path, sheet: str | None = None) -> WorkbookTable:
    """Open the sheet of this name, compared without case, or the first. Raises BadContactsFile."""
    with _read_errors(path), _workbook(path) as book:
        name = _sheet_name(path, [worksheet.title for worksheet in book.worksheets], sheet)
        first = header_of(path, _records(book[name]))
    return WorkbookTable(file=path, sheet=name, header=tuple(first.cells), header_line=first.line)


def all_records(path: Path) -> Iterator[Row]:
    """Every row that is not blank, of every sheet. Raises BadContactsFile."""
    with _read_errors(path), _workbook(path) as book:
        for sheet in book.worksheets:
            yield from _records(sheet)


def _sheet_name(path: Path, names: Sequence[str], wanted: str | None) -> str:
    if not names:
        raise BadContactsFile(f"{path}: the workbook has no sheet of cells", SAVE_AGAIN)
    if wanted is None:
        return names[0]
    match = next((name for name in names if name.casefold() == wanted.casefold()), None)
    if match is None:
        raise BadContactsFile(f"{path}: the workbook has no sheet {wanted!r}", f"its sheets are {', '.join(names)}")
    return match


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    """The open workbook, in the mode that reads a row at a time."""
    with path.open("rb") as stream, closing(load_workbook(stream, read_only=True, data_only=True)) as book:
        yield book


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Raise BadContactsFile instead of any other error: a damaged zip or XML file can raise many kinds."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that are not read here
            yield
    except (BadContactsFile, OSError, GeneratorExit):
        raise
    except Exception as exc:
        message = f"{path}: the workbook cannot be read: {type(exc).__name__}: {exc}"
        raise BadContactsFile(message.splitlines()[0][:300], SAVE_AGAIN) from None


def _records(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # some programs write wrong dimensions, and rows would be cut
    for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_text(value) for value in values]
        if any(cell.strip() for cell in cells):
            yield Row(line, cells)


def _text(value: object) -> str:
    """A cell as the spreadsheet displays it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        exact = abs(value) < EXACT_INTEGERS_BELOW and value == int(value)
        return str(int(value)) if exact else f"{value:.15g}".upper()
    return _date_or_time(value)


def _date_or_time(value: object) -> str:
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else _without_seconds(value.isoformat(timespec="seconds"))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _without_seconds(value.isoformat(timespec="seconds"))
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _without_seconds(iso: str) -> str:
    return iso.removesuffix(":00")
