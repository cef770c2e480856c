"""The sample of a list: its first rows in a small list of their own, so that a preview never reads the whole list."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from campaigns.audience.column_uses import PHONE_WORDS, likely_phone, looks_like_number
from campaigns.audience.files.encoding import BadContactsFile
from campaigns.audience.files.open_list import open_table
from campaigns.audience.files.table import Row, Table
from campaigns.audience.formulas import harmless
from campaigns.audience.kept_lists import LIST
from campaigns.definition import Definition
from dialer.whole_file import whole_file

SAMPLE = f"{LIST}.sample.csv"
SAMPLE_ROWS = 20
ROWS_LOOKED_AT = 200
MOST_COLUMNS = 200
MOST_CHARACTERS = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first rows of a list that can be read. `file` is the list that holds them, each in the line it came from."""

    file: Path
    names: Sequence[str]
    rows: Sequence[Row] = field(repr=False)

    def cells(self, index: int) -> list[str]:
        """What stands in a column."""
        return [row.cells[index] for row in self.rows if index < len(row.cells)]


def take_sample(file: Path, *, sheet: str | None = None, encoding: str | None = None) -> None:
    """Write the sample of a list beside it. Raises BadContactsFile: it cannot be read, or has no line of names."""
    table = open_table(file, sheet, PHONE_WORDS, encoding=encoding)
    _refuse_without_names(table)
    if len(table.names) > MOST_COLUMNS:
        message = f"{file}: the list has {len(table.names):,} columns, and {MOST_COLUMNS} are the most here"
        raise BadContactsFile(message, "remove the columns that are not needed")
    rows = [row for row in islice(table.rows(), ROWS_LOOKED_AT) if not (row.parse_error or row.hidden)]
    if not rows:
        raise BadContactsFile(f"{file}: the list has no row that can be read", "add a row for each contact")
    with whole_file(file.parent / SAMPLE) as stream:
        writer, line = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n"), 1
        for at, cells in ((table.header_line, table.header), *((row.line, row.cells) for row in _few(rows))):
            stream.write("\n" * max(0, at - line))
            writer.writerow([harmless(" ".join(cell.split())) for cell in cells])
            line = max(at, line) + 1


def _few(rows: Sequence[Row]) -> Iterator[Row]:
    """The first rows, fewer where their cells are long."""
    characters = 0
    for row in rows[:SAMPLE_ROWS]:
        yield row
        characters += sum(map(len, row.cells))
        if characters > MOST_CHARACTERS:
            return


def sample_of(definition: Definition, folder: Path) -> Sample:
    """The sample of the list of a draft; it is taken where there is none yet. Raises BadContactsFile."""
    file = folder / SAMPLE
    if not file.is_file():
        contacts = definition.contacts
        take_sample(folder / contacts.file, sheet=contacts.sheet, encoding=contacts.encoding)
    table = open_table(file)
    return Sample(file=file, names=table.names, rows=list(islice(table.rows(), SAMPLE_ROWS)))


def of_sample(definition: Definition) -> Definition:
    """The definition with the sample as its list."""
    contacts = definition.contacts.model_copy(update={"file": SAMPLE, "sheet": None, "encoding": None})
    return definition.model_copy(update={"contacts": contacts})


def _refuse_without_names(table: Table) -> None:
    """Raise BadContactsFile when the first line holds no names of columns, but a contact, or a title."""
    if any(looks_like_number(name) for name in table.names):
        message = f"{table.file}: the first line looks like a contact, not like the names of columns"
        raise BadContactsFile(message, "write the columns' names above it")
    filled = sum(map(bool, table.names))
    for row in islice(table.rows(), SAMPLE_ROWS):
        if filled < 2 <= sum(map(bool, row.cells)) and likely_phone(row.cells) is not None:
            message = f"{table.file}: the columns' names stand in line {row.line}"
            raise BadContactsFile(message, "remove what is above them")
