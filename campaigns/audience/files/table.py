"""A list as a table that is read row by row; this module reads delimited text as spreadsheets write it (CSV, TSV)."""

from __future__ import annotations

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TextIO

from campaigns.audience.files.encoding import CONTACTS_ENCODING, BadContactsFile, encoding_of
from campaigns.audience.formulas import restored
from campaigns.definition.column_names import comparable

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 1 << 18
QUOTED_TEXT = re.compile(r'"[^"]*"?')
LINES_ASKED_FOR_DELIMITER = 10
ROWS_ASKED_FOR_NAMES = 20
MAX_LINE = 4 << 20  # characters
END_OF_FILE = "\x1a"  # Ctrl-Z, which programs of DOS write last


class CellFault(NamedTuple):
    """Why a cell has no value that can be used, and what a person can do."""

    reason: str
    suggestion: str


NO_FAULTS: Mapping[int, CellFault] = MappingProxyType({})


class Row(NamedTuple):
    """One row: the line where it begins, from 1, and its cells as written.

    `parse_error` says why it cannot be read, `parse_remedy` what to do. Of a sheet: whether people do not see the row
    (a filter hides it), and what is wrong with its cells, by their index.
    """

    line: int
    cells: Sequence[str]
    parse_error: str = ""
    parse_remedy: str = ""
    hidden: bool = False
    faults: Mapping[int, CellFault] = NO_FAULTS

    def __repr__(self) -> str:
        return f"Row({self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(ABC):
    """A list whose header has been read. `header` is as written, `header_line` counts from 1."""

    file: Path
    header: tuple[str, ...] = field(repr=False)
    header_line: int

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, trimmed, without blank ones at the end."""
        names = [name.strip() for name in self.header]
        while names and not names[-1]:
            names.pop()
        return tuple(names)

    def columns_named(self, name: str) -> list[int]:
        """The indexes of the columns with this name, compared without case, spaces and punctuation."""
        wanted = comparable(name)
        return [index for index, column in enumerate(self.names) if wanted and comparable(column) == wanted]

    def line_of_header(self, name: str) -> int | None:
        """The line below the first that has a column of this name after all: a title or a comment stands above it."""
        wanted = comparable(name)
        for row in islice(self.rows(), ROWS_ASKED_FOR_NAMES):
            cells = (part for cell in row.cells for part in re.split(f"[{DELIMITERS}]", cell))
            if wanted in map(comparable, cells):
                return row.line
        return None

    @property
    def stamp(self) -> object:
        """What differs once the list has changed: when its file was last written to, and its length in bytes."""
        stat = self.file.stat()
        return stat.st_mtime_ns, stat.st_size

    def rows(self) -> Iterator[Row]:
        """Every row below the header that is not blank. Each call reads the file again, a row at a time."""
        return (row for row in self.records() if row.line > self.header_line)

    @abstractmethod
    def records(self) -> Iterator[Row]:
        """Every row that is not blank, the header too."""

    @abstractmethod
    def estimated_rows(self) -> int:
        """About how many rows the list has, without reading them all."""

    @property
    @abstractmethod
    def long_row_advice(self) -> str:
        """What a person can do about a row with more cells than the header."""

    @property
    def elsewhere(self) -> str:
        """Where a column may be that the header lacks, as the end of a sentence; blank when it can be nowhere else."""
        return ""

    @property
    def remarks(self) -> Sequence[str]:
        """Sentences about what was not read, though a person may have meant it to be."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedTable(Table):
    """A list in a text file with delimited cells. `declares_delimiter`: its first line is `sep=;` or the like."""

    encoding: str
    delimiter: str
    declares_delimiter: bool

    def records(self) -> Iterator[Row]:
        with _open_text(self.file, self.encoding) as stream:
            yield from _records(stream, self.delimiter, self.declares_delimiter)

    def estimated_rows(self) -> int:
        with self.file.open("rb") as stream:
            sample = stream.read(SAMPLE_BYTES)
            lines = max(sample.count(b"\n"), sample.count(b"\r"), 1)
        return round(lines * self.file.stat().st_size / max(len(sample), 1))

    @property
    def long_row_advice(self) -> str:
        return f"put quotes around cells that hold {self.delimiter!r}"


def open_delimited(
    path: Path, encoding: str | None = None, *, encoding_setting: str = CONTACTS_ENCODING
) -> DelimitedTable:
    """Detect the delimiter of a text file, and its encoding unless it is named, by `encoding_setting`.

    Raises BadContactsFile when it is empty or unreadable.
    """
    encoding = encoding_of(path, encoding, setting=encoding_setting)
    with _open_text(path, encoding) as stream:
        delimiter, declared = _delimiter(stream)
        stream.seek(0)
        first = header_of(path, _records(stream, delimiter, declared))
    return DelimitedTable(
        file=path,
        encoding=encoding,
        delimiter=delimiter,
        declares_delimiter=declared,
        header=tuple(first.cells),
        header_line=first.line,
    )


def header_of(path: Path, records: Iterator[Row]) -> Row:
    """The first row, which holds the column names. Raises BadContactsFile when there is none, or it cannot be read."""
    first = next(records, None)
    if first is None:
        raise BadContactsFile(f"{path}: the list is empty", "write a line of column names and a line for each contact")
    if first.parse_error:
        raise BadContactsFile(f"{path}:{first.line}: {first.parse_error}", "correct the line of column names")
    return first


def _open_text(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def _delimiter(stream: TextIO) -> tuple[str, bool]:
    """The delimiter of the first line that has one, and whether the first line only declares it (`sep=;`)."""
    lines = list(islice((line for line in _Lines(stream) if line.strip()), LINES_ASKED_FOR_DELIMITER))
    declared = re.fullmatch(r'\ufeff?"?sep=(.)"?\s*', lines[0], re.IGNORECASE) if lines else None
    if declared and declared[1] in DELIMITERS:
        return declared[1], True
    bare = next((bare for bare in (QUOTED_TEXT.sub("", line) for line in lines) if set(bare) & set(DELIMITERS)), "")
    return max(DELIMITERS, key=bare.count), False


class _Lines:
    """The lines of a text, without the mark that ends it; `last` is the one that was read last."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        read = self._stream.readline
        while line := read(MAX_LINE):
            self.last = line
            if len(line) == MAX_LINE and not line.endswith(("\r", "\n")):
                message = f"{self._stream.name}: a line has more than {MAX_LINE:,} characters, so this is no list"
                raise BadContactsFile(message, "write a line for each contact")
            yield line.removesuffix(END_OF_FILE)


def _records(stream: TextIO, delimiter: str, declares_delimiter: bool) -> Iterator[Row]:
    """Rows that are not blank. Quotes are checked strictly, because a stray one would swallow the contacts below it."""
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            in_one_line = lines.last if reader.line_num <= line else ""
            yield _damaged(exc, line, reader.line_num, in_one_line, delimiter)
            continue
        if declares_delimiter:
            declares_delimiter = False
        elif (text := "".join(cells)).strip():
            yield Row(line, restored(cells) if "'" in text else cells)


def _damaged(exc: csv.Error, first: int, last: int, text: str, delimiter: str) -> Row:
    """The row that csv cannot read; `text` is its line if it is a single one, else blank."""
    lines = f"line {first}" if first >= last else f"lines {first} to {last}"
    limit = csv.field_size_limit()
    reason, remedy = "a quote is opened and not closed", "double the quotes inside a cell, and close every cell's"
    if "expected after" in str(exc):
        if cells := _without_blanks_after_quotes(text, delimiter):
            return Row(first, cells)
        reason = "there is text after a closing quote"
    elif "field larger" in str(exc):
        cells = re.findall(rf'"(?:[^"]|"")*"|[^"{delimiter}\r\n]+', text)
        longest = max((len(cell.strip('"')) for cell in cells), default=0)
        reason = f"{reason}, or a cell has more than {limit:,} characters"
        if longest > limit:
            reason, remedy = f"a cell has {longest:,} characters, and {limit:,} are the most", "shorten it"
    return Row(first, (), f"{lines} cannot be read: {reason}", remedy)


def _without_blanks_after_quotes(text: str, delimiter: str) -> list[str]:
    """The cells of a line such as `"Ann" ,"Lee"`; empty when more than blanks stands after its quotes."""
    closed = re.sub(rf'" +(?=[{delimiter}\r\n]|$)', '"', text)
    try:
        return next(csv.reader([closed], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error:
        return []
