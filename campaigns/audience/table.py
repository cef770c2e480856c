"""A contacts file as a table: whatever spreadsheets write, read row by row, each row knowing its line."""

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
    """One record: the line it begins in and its cells as they are written, or why it cannot be told into cells."""

    line: int
    cells: Sequence[str]
    broken: str = ""

    def __repr__(self) -> str:
        return f"Row({self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(ABC):
    """An open list. `header` is as written; `names` are its columns, without blank ones at the end."""

    file: Path
    header: tuple[str, ...] = field(repr=False)
    header_line: int

    @property
    def names(self) -> tuple[str, ...]:
        names = [name.strip() for name in self.header]
        while names and not names[-1]:
            names.pop()
        return tuple(names)

    def columns(self, name: str) -> list[int]:
        """The places of the columns of this name, compared without case, spaces and underscores."""
        wanted = comparable(name)
        return [place for place, there in enumerate(self.names) if wanted and comparable(there) == wanted]

    def rows(self) -> Iterator[Row]:
        """Every row under the header in which something stands. Reads the file anew, a row at a time."""
        return (row for row in self.records() if row.line > self.header_line)

    @abstractmethod
    def records(self) -> Iterator[Row]:
        """Every row in which something stands, the header too."""

    @abstractmethod
    def estimated_rows(self) -> int:
        """About how many rows there are, told without reading them."""

    @property
    @abstractmethod
    def advice(self) -> str:
        """What to do about a row with more cells than the header has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedTable(Table):
    """A list in a text file, its cells told apart by a delimiter."""

    encoding: str
    delimiter: str
    declares_delimiter: bool

    def records(self) -> Iterator[Row]:
        with _opened(self.file, self.encoding) as stream:
            yield from _records(stream, self.delimiter, self.declares_delimiter)

    def estimated_rows(self) -> int:
        with self.file.open("rb") as stream:
            sample = stream.read(SAMPLE_BYTES)
            lines = max(sample.count(b"\n"), sample.count(b"\r"), 1)
        return round(lines * self.file.stat().st_size / max(len(sample), 1))

    @property
    def advice(self) -> str:
        return f"put quotes around cells that hold {self.delimiter!r}"


def open_delimited(path: Path) -> DelimitedTable:
    """Find out how a list is written. Raises BadContactsFile when it is empty or unreadable."""
    encoding = encoding_of(path)
    with _opened(path, encoding) as stream:
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
    """The first row, which holds the columns' names. Raises BadContactsFile when there is none, or it is broken."""
    first = next(records, None)
    if first is None:
        raise BadContactsFile(f"{path}: the list is empty", "write a line of column names and a line for each contact")
    if first.broken:
        raise BadContactsFile(f"{path}:{first.line}: {first.broken}", "correct the line of column names")
    return first


def _opened(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def _delimiter(stream: TextIO) -> tuple[str, bool]:
    """The delimiter of the first line, and whether that line does nothing but declare it (`sep=;`)."""
    line = next((line for line in stream if line.strip()), "")
    declared = re.fullmatch(r'\ufeff?"?sep=(.)"?\s*', line, re.IGNORECASE)
    if declared and declared[1] in DELIMITERS:
        return declared[1], True
    bare = QUOTED_TEXT.sub("", line)
    return max(DELIMITERS, key=bare.count), False


def _records(stream: TextIO, delimiter: str, declares_delimiter: bool) -> Iterator[Row]:
    """Records with something in them; strict about quotes, because a stray one swallows the contacts below it."""
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Row(line, (), _quoting(exc, line, reader.line_num))
            continue
        if declares_delimiter:
            declares_delimiter = False
        elif "".join(cells).strip():
            yield Row(line, cells)


def _quoting(exc: csv.Error, first: int, last: int) -> str:
    lines = f"line {first}" if first >= last else f"lines {first} to {last}"
    if "expected after" in str(exc):
        return f"{lines} cannot be read: there is text after a closing quote"
    return f"{lines} cannot be read: a quote is opened and not closed"
