"""A list as a table that is read row by row; this module reads delimited text as spreadsheets write it (CSV, TSV)."""

from __future__ import annotations

import csv
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO

from campaigns.audience.encoding import BadContactsFile, encoding_of
from campaigns.definition.column_names import comparable

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 1 << 18
QUOTED_TEXT = re.compile(r'"[^"]*"?')


class Row(NamedTuple):
    """One row: the line where it begins, from 1, and its cells as written; `parse_error` says why it cannot be read."""

    line: int
    cells: Sequence[str]
    parse_error: str = ""

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


def open_delimited(path: Path) -> DelimitedTable:
    """Detect the encoding and delimiter of a text file. Raises BadContactsFile when it is empty or unreadable."""
    encoding = encoding_of(path)
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
    """The delimiter of the first line, and whether that line only declares it (`sep=;`)."""
    line = next((line for line in stream if line.strip()), "")
    declared = re.fullmatch(r'\ufeff?"?sep=(.)"?\s*', line, re.IGNORECASE)
    if declared and declared[1] in DELIMITERS:
        return declared[1], True
    bare = QUOTED_TEXT.sub("", line)
    return max(DELIMITERS, key=bare.count), False


def _records(stream: TextIO, delimiter: str, declares_delimiter: bool) -> Iterator[Row]:
    """Rows that are not blank. Quotes are checked strictly, because a stray one would swallow the contacts below it."""
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Row(line, (), _quoting_error(exc, line, reader.line_num))
            continue
        if declares_delimiter:
            declares_delimiter = False
        elif "".join(cells).strip():
            yield Row(line, cells)


def _quoting_error(exc: csv.Error, first: int, last: int) -> str:
    lines = f"line {first}" if first >= last else f"lines {first} to {last}"
    if "expected after" in str(exc):
        return f"{lines} cannot be read: there is text after a closing quote"
    return f"{lines} cannot be read: a quote is opened and not closed"
