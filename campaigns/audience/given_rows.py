"""A list that a program hands over as rows, instead of a file; also the list of a campaign that begins without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from campaigns.audience.columns import OPTIONAL_KEYS
from campaigns.audience.files.table import Row, Table
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable
from campaigns.definition.row_conditions import RowCondition
from dialer.errors import DialerError
from dialer.short_text import is_short_text

LONGEST_NAME = 200
MOST_COLUMNS = 1000
LIKELY_POWERS = range(-20, 30)  # of ten, in which numbers that people mean are


class BadRows(DialerError):
    """The rows cannot be read as a list at all: a name of a column is no text, or two names are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTable(Table):
    """Rows with the same columns, in lines 1, 2, 3 …; its header stands in no line."""

    given: tuple[Row, ...] = field(repr=False)

    @property
    def stamp(self) -> object:
        """Rows that were handed over do not change."""
        return None

    def records(self) -> Iterator[Row]:
        return iter(self.given)

    def estimated_rows(self) -> int:
        return len(self.given)

    @property
    def long_row_advice(self) -> str:
        return "hand over a value for each column"


def given_table(definition: Definition, rows: Sequence[Mapping[str, Any]]) -> GivenTable:
    """Rows by the names of their columns, as a table. A column that the definition names and a row lacks is blank.

    Names are compared as those of a file are. A value that is no text, number, time, true or false rejects its row.
    Raises BadRows.
    """
    names = {comparable(name): name for name in reversed(columns_of(definition))}
    header = dict.fromkeys(reversed(names.values()))
    places: list[Mapping[str, str]] = []
    for line, row in enumerate(rows, start=1):
        by_column: dict[str, str] = {}
        for name in row:
            column = names.setdefault(_comparable(name), name)
            if column in by_column:
                raise BadRows(f"row {line} has two columns of one name: {name!r} and {by_column[column]!r}", "keep one")
            by_column[column] = name
        header.update(dict.fromkeys(by_column))
        places.append(by_column)
    if len(header) > MOST_COLUMNS:
        raise BadRows(f"the rows have {len(header):,} columns, and {MOST_COLUMNS:,} are the most", "leave some out")
    lines = enumerate(zip(rows, places, strict=True), start=1)
    given = tuple(given_row(line, row, place, tuple(header)) for line, (row, place) in lines)
    return GivenTable(file=Path(definition.file), header=tuple(header), header_line=0, given=given)


def columns_of(definition: Definition) -> list[str]:
    """The columns that a definition names, those of the numbers first."""
    contacts = definition.contacts
    optional = filter(None, (getattr(contacts, name) for name in OPTIONAL_KEYS))
    mapped = {comparable(name) for name in contacts.columns}
    variables = definition.template.variables if definition.template else ()
    asked = RowCondition(contacts.where).columns if contacts.where else ()
    order = [name.removeprefix("-") for name in contacts.order]
    spoken = [name for name in variables if comparable(name) not in mapped and name not in definition.own_variables]
    return [*contacts.phone, *optional, *contacts.columns.values(), *asked, *order, *spoken]


def _comparable(name: object) -> str:
    if not isinstance(name, str) or not is_short_text(name, LONGEST_NAME) or not comparable(name):
        raise BadRows(f"a column cannot be named {str(name)[:40]!r}", "name columns by letters and digits")
    return comparable(name)


def given_row(line: int, row: Mapping[str, Any], places: Mapping[str, str], header: Sequence[str]) -> Row:
    """A row of a table with this header; `places` has, by its columns, the names under which the row has them."""
    cells: list[str] = []
    for column in header:
        value = row.get(places.get(column, ""))
        text = cell_text(value)
        if text is None:
            reason = f"the value of {column} is no text, number, time, true or false"
            return Row(line, (), parse_error=reason, parse_remedy="hand over a text")
        cells.append(text)
    return Row(line, cells)


def cell_text(value: object) -> str | None:
    """A value as a cell of a list has it, `true` and `false` as JSON writes them; None when no cell can have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, str | int | float | Decimal):
        return None
    text = _plain_number(value) if isinstance(value, float | Decimal) else str(value)
    return text if text is not None and is_text(text) else None


def _plain_number(value: float | Decimal) -> str | None:
    """A number as people write it, 100 and not 100.0 or 1E+2; None for infinity, or one longer than theirs are."""
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if number.is_nan():
        return "nan"  # which is no value
    if number.is_infinite() or number.adjusted() not in LIKELY_POWERS:
        return None
    text = f"{number:f}"
    return text.removesuffix(".0") if isinstance(value, float) else text


def is_text(value: str) -> bool:
    """Whether it can be written down: half of a surrogate pair, or a NUL, cannot."""
    return all(character != "\0" and not "\ud800" <= character <= "\udfff" for character in value)
