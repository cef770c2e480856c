"""Reads the rows of one sheet from its XML, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.table import CellFault, Row
from campaigns.audience.files.workbook.archive import SAVE_AGAIN, Archive, Attributes, local_names, xml_parser
from campaigns.audience.files.workbook.cell_names import COLUMNS, LAST_ROW, column_index
from campaigns.audience.files.workbook.clock_format import NotShown, days_since
from campaigns.audience.files.workbook.merged_cells import MergedCells
from campaigns.audience.files.workbook.number_format import NumberFormat
from campaigns.audience.files.workbook.plain_rows import ELEMENT, PlainRows
from campaigns.audience.files.workbook.strings import SharedStrings, unescaped

NAMES = local_names("row", "c", "v", "f", "t", "rPh", "col", ELEMENT)
TRUE = {"1", "true"}
DISTINCT_NUMBERS = 4096  # whose texts are kept, for each style
NOT_CALCULATED = CellFault(
    "the cell holds a formula whose result was never stored",
    "open the workbook in a spreadsheet, which calculates it, and save it",
)


class CellStyles:
    """What the cells of all sheets share: the texts they refer to, and what their formats make of values.

    show           by style, the text for a stored number
    changes_text   by style, the text for a stored text, where the format adds something
    uncalculated   formulas are calculated only when a spreadsheet opens the file
    """

    def __init__(
        self, strings: SharedStrings, formats: Sequence[NumberFormat], *, from_1904: bool, uncalculated: bool
    ) -> None:
        self.strings, self.from_1904, self.uncalculated = strings, from_1904, uncalculated
        self.show = {str(style): lru_cache(DISTINCT_NUMBERS)(one.show) for style, one in enumerate(formats)}
        self.changes_text = {str(style): one.show_text for style, one in enumerate(formats) if one.changes_text}


class SheetReader:
    """Reads the rows of one sheet. `place` names it in errors.

    Of the cells beyond `width` only filled ones are kept, close behind the others. With `everything`, hidden columns
    are read too, and behind the cells stands what is stored in them.
    """

    def __init__(
        self, place: str, styles: CellStyles, merged: MergedCells, *, width: int = COLUMNS, everything: bool = False
    ) -> None:
        self.hidden = bytearray(COLUMNS)  # 1 for a hidden column
        self._place, self._styles, self._merged = place, styles, merged
        self._width, self._everything = width, everything
        self._line, self._hidden = 0, False
        self._cells: list[str] = []
        self._more: list[str] = []
        self._faults: dict[int, CellFault] = {}

    def rows(self, archive: Archive, part: str) -> Iterator[Row]:
        """Every row that is not blank. Raises BadContactsFile."""
        finished: list[Row] = []
        parse, plain_rows = self._parser(finished), PlainRows()
        for chunk in archive.chunks(part):
            parse(plain_rows.rewritten(chunk), False)
            yield from finished
            finished.clear()
        parse(b"", True)

    def _parser(self, finished: list[Row]) -> Callable[[bytes, bool], object]:
        """What parses a piece of XML and adds its rows to `finished`; closures, because most of the time goes here."""
        parser = xml_parser()
        kinds, columns, hidden, width = NAMES, _ColumnIndexes(self._damaged), self.hidden, self._width
        strings, changes_text = self._styles.strings, self._styles.changes_text
        pieces: list[str] = []
        cells: list[str] = []
        cell: Attributes = {}
        has_formula = pronounced = False
        column = -1

        def fill(column: int, stored: str, how: str, style: str, *, has_formula: bool = False) -> None:
            if (how != "s" and how != "inlineStr") or style in changes_text:
                self._set_value(column, stored, how, style, has_formula)
                return
            text = strings[int(stored)] if how == "s" else unescaped(stored)
            if column == len(cells) < width and not hidden[column]:
                cells.append(text)
            else:
                self._set(column, text)

        def start(name: str, attributes: Attributes) -> None:
            nonlocal cells, cell, has_formula, pronounced, column
            kind = kinds.get(name)
            if kind == ELEMENT:
                cells = self._begin(attributes)
                for letters, value in attributes.items():
                    if letters.isupper():
                        how, style, stored = value.split(" ", 2)
                        if stored:
                            fill(columns[letters], stored, how or "n", style or "0")
            elif kind == "v" or kind == "t":
                if not pronounced:
                    parser.CharacterDataHandler = pieces.append
            elif kind == "c":
                cell, has_formula = attributes, False
                ref = attributes.get("r")
                column = columns[ref.rstrip("0123456789")] if ref else column + 1
            elif kind == "row":
                column = -1
                cells = self._begin(attributes)
            elif kind == "f":
                has_formula = True
            elif kind == "rPh":
                pronounced = True  # until its end: how the text is pronounced, which no cell shows
            elif kind == "col":
                self._note_hidden(attributes)

        def end(name: str) -> None:
            nonlocal pronounced
            kind = kinds.get(name)
            if kind == "v" or kind == "t":
                parser.CharacterDataHandler = None
            elif kind == "c":
                if pieces:
                    stored = pieces[0] if len(pieces) == 1 else "".join(pieces)
                    pieces.clear()
                    fill(column, stored, cell.get("t", "n"), cell.get("s", "0"), has_formula=has_formula)
                elif has_formula and cell.get("t") != "str":
                    self._set(column, "", NOT_CALCULATED)
            elif kind == "row" or kind == ELEMENT:
                if cells or self._more or self._faults:
                    self._finish(finished)
            elif kind == "rPh":
                pronounced = False

        parser.StartElementHandler, parser.EndElementHandler = start, end
        return parser.Parse

    def _begin(self, attributes: Attributes) -> list[str]:
        """Begin a row; returns its cells, to be filled. Rows stand in order, else one could be met twice."""
        number = attributes.get("r")
        line = int(number) if number else self._line + 1
        if line > LAST_ROW:
            raise self._damaged(f"has a row {line:,}, and no sheet goes beyond {LAST_ROW:,}")
        if line <= self._line:
            raise self._damaged(f"has row {line} after row {self._line}")
        self._line = line
        self._hidden = attributes.get("hidden") in TRUE or float(attributes.get("ht", 1)) == 0
        self._cells, self._more, self._faults = [], [], {}
        return self._cells

    def _finish(self, rows: list[Row]) -> None:
        """Add the row that was read, unless it is blank."""
        if not (self._faults or self._more or any(map(str.strip, self._cells))):
            return
        for column, fault in self._merged.faults(self._line, self._width):
            self._faults.setdefault(column, fault)
        rows.append(Row(self._line, self._cells + self._more, hidden=self._hidden, faults=self._faults))

    def _set_value(self, column: int, stored: str, kind: str, style: str, has_formula: bool) -> None:
        """Set a cell to what it shows for the stored value."""
        if kind == "n" or kind == "d":
            if has_formula and stored == "0" and self._styles.uncalculated:
                self._set(column, "", NOT_CALCULATED)  # some programs write a zero for every result
            else:
                self._set_number(column, stored, style, is_iso=kind == "d")
        elif kind == "b":
            self._set(column, "TRUE" if stored.strip() in TRUE else "FALSE")
        elif kind == "e":
            reason = f"the spreadsheet shows an error here: {stored}"
            self._set(column, stored, CellFault(reason, "correct the formula, or type the value"))
        else:
            self._set_text(column, self._styles.strings[int(stored)] if kind == "s" else unescaped(stored), style)

    def _set_number(self, column: int, stored: str, style: str, *, is_iso: bool) -> None:
        fault = None
        try:
            if is_iso:
                stored = days_since(stored, from_1904=self._styles.from_1904)
            text = self._styles.show[style](stored)
        except NotShown as exc:
            text, fault = exc.text, CellFault(str(exc), exc.remedy)
        self._set(column, text, fault)
        if self._everything and stored != text:
            self._more.append(stored)

    def _set_text(self, column: int, text: str, style: str) -> None:
        shown = self._styles.changes_text[style](text) if style in self._styles.changes_text else text
        self._set(column, shown)
        if self._everything and shown != text:
            self._more.append(text)

    def _set(self, column: int, text: str, fault: CellFault | None = None) -> None:
        cells = self._cells
        if column >= COLUMNS:
            raise self._damaged(f"has more than {COLUMNS:,} columns in row {self._line}")
        if self.hidden[column] and not self._everything:
            return
        if fault is not None:
            self._faults[column] = fault
        if column >= self._width:
            if text.strip():
                self._more.append(text)
        elif column == len(cells):
            cells.append(text)
        elif column > len(cells):
            cells.extend([""] * (column - len(cells)))
            cells.append(text)
        elif cells[column]:
            raise self._damaged(f"has two cells at one place in row {self._line}")
        else:
            cells[column] = text

    def _note_hidden(self, attributes: Attributes) -> None:
        if attributes.get("hidden") in TRUE or float(attributes.get("width", 1)) == 0:
            first, last = int(attributes["min"]) - 1, min(int(attributes["max"]), COLUMNS)
            self.hidden[first:last] = b"\1" * (last - first)

    def _damaged(self, what: str) -> BadContactsFile:
        return BadContactsFile(f"{self._place} {what}", f"the workbook is damaged: {SAVE_AGAIN}")


class _ColumnIndexes(dict[str, int]):
    """The index of each column's letters, computed once."""

    def __init__(self, damaged: Callable[[str], BadContactsFile]) -> None:
        super().__init__()
        self._damaged = damaged

    def __missing__(self, letters: str) -> int:
        try:
            self[letters] = column_index(letters)
        except ValueError:
            message = f"has a cell in a column {letters[:10]!r}, and no sheet goes beyond XFD"
            raise self._damaged(message) from None
        return self[letters]
