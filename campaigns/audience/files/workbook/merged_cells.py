"""The merged cells of a sheet, which its XML lists behind the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from campaigns.audience.files.table import CellFault
from campaigns.audience.files.workbook.cell_names import column_index, column_name

MERGED = re.compile(rb'mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
END_OF_ROWS = b"sheetData>"
MOST_BYTES_BEHIND_ROWS = 8 << 20


class Range(NamedTuple):
    """A block of merged cells, whose value stands in the first; rows count from 1, columns from 0."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def first_cell(self) -> str:
        """The name of the cell that holds the value."""
        return f"{column_name(self.first_column)}{self.first_row}"


class MergedCells:
    """Tells which cells of a row belong to a merged one; rows are asked about in order."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._waiting = sorted(ranges, reverse=True)
        self._here: list[Range] = []

    def faults(self, row: int, width: int) -> Iterator[tuple[int, CellFault]]:
        """The columns, of so many, whose cells in this row show the value of another cell."""
        if not (self._waiting or self._here):
            return
        while self._waiting and self._waiting[-1].first_row <= row:
            self._here.append(self._waiting.pop())
        self._here = [block for block in self._here if block.last_row >= row]
        for block in self._here:
            fault = CellFault(f"the cell is merged with {block.first_cell}", "unmerge them, and fill in each row")
            for column in range(block.first_column + (block.first_row == row), min(block.last_column + 1, width)):
                yield column, fault


class SheetScan:
    """Looks through the bytes of a sheet: `rows` is about how many it has, `ranges` are its merged cells."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.rows = 0
        behind: bytearray | None = None
        last = b""
        for chunk in chunks:
            self.rows += chunk.count(b"<row") + chunk.count(b":row ")
            if behind is not None and len(behind) < MOST_BYTES_BEHIND_ROWS:
                behind += chunk
            elif (position := _end_of_rows(last + chunk)) is not None:
                behind = bytearray((last + chunk)[position:])
            last = chunk[-64:]
        self.ranges = [_range(match.groups()) for match in MERGED.finditer(behind or b"")]


def _end_of_rows(data: bytes) -> int | None:
    """The position of the tag that ends the rows, if it is here."""
    position = data.rfind(END_OF_ROWS)
    if position < 0:
        return None
    tag = data[data.rfind(b"<", 0, position) :]
    return position if tag.startswith(b"</") else None


def _range(names: tuple[bytes, ...]) -> Range:
    first_column, first_row, last_column, last_row = (name.decode() for name in names)
    return Range(int(first_row), int(last_row), column_index(first_column), column_index(last_column))
