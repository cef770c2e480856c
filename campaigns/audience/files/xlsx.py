"""Reads a list from an XLSX workbook as people see it: visible sheets, rows and columns, cells by their formats."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.table import Row, Table, header_of
from campaigns.audience.files.workbook.book import Book, Sheet
from campaigns.audience.files.workbook.merged_cells import SheetScan
from campaigns.definition.column_names import comparable


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookTable(Table):
    """A list in one sheet of a workbook; a row's line is its row number in the sheet. Hidden columns are blank.

    Hidden rows are marked. `remarks` names sheets that look like lists too.
    """

    book: Book = field(repr=False)
    sheet: Sheet
    scan: SheetScan = field(repr=False)
    remarks: Sequence[str] = ()

    def records(self) -> Iterator[Row]:
        return self.book.rows(self.sheet, self.scan.ranges, width=len(self.header))

    def rows(self) -> Iterator[Row]:
        width = len(self.header)
        for row in Table.rows(self):  # a dataclass with slots has no super() of its own
            missing = width - len(row.cells)
            yield row if missing <= 0 else row._replace(cells=[*row.cells, *[""] * missing])

    def estimated_rows(self) -> int:
        return self.scan.rows

    @property
    def long_row_advice(self) -> str:
        return "give the column a name in the first row, or empty the cells that have none"

    @property
    def elsewhere(self) -> str:
        whole = next(self.book.rows(self.sheet, everything=True), None)
        hidden = [name for name in (whole.cells if whole else ()) if name.strip() and name not in self.header]
        others = [_called(sheet) for sheet in self.book.sheets if sheet is not self.sheet]
        return "".join(
            (
                f"; hidden in the sheet are {', '.join(hidden)}: unhide them" if hidden else "",
                f"; the workbook's other sheets are {', '.join(others)}: contacts.sheet names one" if others else "",
            )
        )


def open_workbook(path: Path, sheet: str | None = None, columns: Collection[str] = ()) -> WorkbookTable:
    """Open the sheet of this name, compared without case; else the first visible one with a list.

    A sheet with a list has one of these columns; if none has, the first that is not empty is opened.
    Raises BadContactsFile.
    """
    book = Book.read(path)
    chosen, header, remarks = _named(book, sheet) if sheet is not None else _first_list(book, columns)
    return WorkbookTable(
        file=path,
        book=book,
        sheet=chosen,
        scan=book.scan(chosen),
        header=tuple(header.cells),
        header_line=header.line,
        remarks=remarks,
    )


def all_records(path: Path) -> Iterator[Row]:
    """Every row that is not blank, of every sheet, with all that is hidden and stored. Raises BadContactsFile."""
    book = Book.read(path)
    for sheet in book.sheets:
        yield from book.rows(sheet, everything=True)


def _named(book: Book, wanted: str) -> tuple[Sheet, Row, tuple[str, ...]]:
    sheet = next((sheet for sheet in book.sheets if sheet.title.casefold() == wanted.casefold()), None)
    if sheet is None:
        names = ", ".join(map(_called, book.sheets))
        raise BadContactsFile(f"{book.path}: the workbook has no sheet {wanted!r}", f"its sheets are {names}")
    return sheet, header_of(book.path, _visible_rows(book, sheet)), ()


def _first_list(book: Book, columns: Collection[str]) -> tuple[Sheet, Row, tuple[str, ...]]:
    headers = [(sheet, row) for sheet in book.visible if (row := next(_visible_rows(book, sheet), None)) is not None]
    if not headers:
        raise _nothing_visible(book)
    wanted = {comparable(name) for name in columns}
    lists = [(sheet, row) for sheet, row in headers if wanted & set(map(comparable, row.cells))]
    sheet, row = (lists or headers)[0]
    return sheet, row, tuple(_remarks(sheet, [other for other, _ in lists[1:]]))


def _remarks(read: Sheet, others: Sequence[Sheet]) -> Iterator[str]:
    for other in others:
        yield f"the sheet {other.title!r} has such a list, too, and was not read"
    if others:
        yield f"the sheet {read.title!r} was read: contacts.sheet names another"


def _visible_rows(book: Book, sheet: Sheet) -> Iterator[Row]:
    return (row for row in book.rows(sheet) if not row.hidden and any(map(str.strip, row.cells)))


def _nothing_visible(book: Book) -> BadContactsFile:
    empty = ", ".join(repr(sheet.title) for sheet in book.visible) or "none"
    hidden = [repr(sheet.title) for sheet in book.sheets if sheet.is_hidden]
    message = f"{book.path}: the list is empty: its visible sheets are {empty}, with no visible row"
    if hidden:
        return BadContactsFile(
            f"{message}; hidden are {', '.join(hidden)}", "unhide the list, or name it: contacts.sheet"
        )
    return BadContactsFile(message, "write a line of column names and a line for each contact")


def _called(sheet: Sheet) -> str:
    return f"{sheet.title} (hidden)" if sheet.is_hidden else sheet.title
