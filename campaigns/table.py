"""A contacts file as a table: whatever spreadsheets write, read row by row, each row knowing its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from campaigns.encoding import BadContactsFile, encoding_of
from campaigns.texts import folded

DELIMITERS = ",;\t|"
QUOTED = re.compile(r'"[^"]*"?')


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it begins in and its cells as they are written, or why it cannot be told into cells."""

    line: int
    cells: Sequence[str] = field(repr=False)
    broken: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An open list. `header` is as written; `names` are its columns, without blank ones at the end."""

    file: Path
    encoding: str
    delimiter: str
    declares_delimiter: bool
    header: tuple[str, ...]
    header_line: int

    @property
    def names(self) -> tuple[str, ...]:
        names = [name.strip() for name in self.header]
        while names and not names[-1]:
            names.pop()
        return tuple(names)

    def columns(self, name: str) -> list[int]:
        """The places of the columns of this name, compared without case, spaces and underscores."""
        wanted = folded(name)
        return [place for place, there in enumerate(self.names) if wanted and folded(there) == wanted]

    def rows(self) -> Iterator[Row]:
        """Every row under the header in which something stands. Reads the file anew, a row at a time."""
        with _opened(self.file, self.encoding) as stream:
            for row in _records(stream, self.delimiter, self.declares_delimiter):
                if row.line > self.header_line:
                    yield row


def open_table(path: Path) -> Table:
    """Find out how a list is written. Raises BadContactsFile when it is missing, empty or unreadable."""
    if not path.exists():
        raise BadContactsFile(f"{path}: no such file", "contacts.file is looked for beside the campaign file")
    try:
        encoding = encoding_of(path)
        with _opened(path, encoding) as stream:
            delimiter, declared = _delimiter(stream)
            stream.seek(0)
            first = next(_records(stream, delimiter, declared), None)
    except OSError as exc:
        raise BadContactsFile(f"{path}: the list cannot be read: {exc.strerror}", "check the path") from None
    if first is None:
        raise BadContactsFile(f"{path}: the list is empty", "write a line of column names and a line for each contact")
    if first.broken:
        raise BadContactsFile(f"{path}:{first.line}: {first.broken}", "correct the line of column names")
    return Table(
        file=path,
        encoding=encoding,
        delimiter=delimiter,
        declares_delimiter=declared,
        header=tuple(first.cells),
        header_line=first.line,
    )


def _opened(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, newline="")


def _delimiter(stream: TextIO) -> tuple[str, bool]:
    """The delimiter of the first line, and whether that line does nothing but declare it (`sep=;`)."""
    line = next((line for line in stream if line.strip()), "")
    declared = re.fullmatch(r'\ufeff?"?sep=(.)"?\s*', line, re.IGNORECASE)
    if declared and declared[1] in DELIMITERS:
        return declared[1], True
    bare = QUOTED.sub("", line)
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
        elif any(cell.strip() for cell in cells):
            yield Row(line, cells)


def _quoting(exc: csv.Error, first: int, last: int) -> str:
    lines = f"line {first}" if first >= last else f"lines {first} to {last}"
    if "expected after" in str(exc):
        return f"{lines} cannot be read: there is text after a closing quote"
    return f"{lines} cannot be read: a quote is opened and not closed"
