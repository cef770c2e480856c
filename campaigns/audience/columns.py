"""Finds the columns of a list by the names that the definition gives them, and reports those that are missing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from campaigns.audience.files.table import Table
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable, template_name
from campaigns.definition.row_conditions import RowCondition
from campaigns.definition.templates import Template
from campaigns.definition.yaml_source import DefinitionFaults, FileFault, KeyPath

MIN_PHONE_DIGITS = 7
VOICE_KEYS = ("language", "voice")
OPTIONAL_KEYS = ("country_column", "zone", "not_after", "consent", "key", *VOICE_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Indexes of a list's columns, from 0; None for a column that the definition does not name.

    phones      the columns with numbers, the preferred one first
    voice       the columns `language` and `voice`, which choose the voice for a contact
    variables   the column of each variable of the template
    callback    … of what comes back with the receipts
    fields      every column but the numbers, by the name that templates use
    """

    phones: tuple[int, ...]
    country: int | None
    zone: int | None
    not_after: int | None
    consent: int | None
    key: int | None
    voice: Mapping[str, int]
    variables: Mapping[str, int]
    callback: Mapping[str, int]
    conditions: Mapping[str, int]
    order: Sequence[tuple[str, bool]]
    fields: Mapping[str, int]


class Layout(NamedTuple):
    """What the rows of a list are held against: its header, how many columns have names, and what to do about more."""

    header: Sequence[str]
    width: int
    long_row_advice: str

    @classmethod
    def of(cls, table: Table) -> Layout:
        """The layout of this list."""
        return cls(table.header, len(table.names), table.long_row_advice)


def find_columns(definition: Definition, table: Table) -> Columns:
    """Find every column that a definition names. Raises DefinitionFaults with all that are missing or ambiguous."""
    search = _ColumnSearch(definition, table)
    contacts = definition.contacts
    phones = [search.index(("contacts", "phone"), name) for name in contacts.phone]
    places = {"not_after": ("schedule", "before", "column")} if definition.reminders else {}
    optional = {
        name: search.index(places.get(name, ("contacts", name)), getattr(contacts, name)) for name in OPTIONAL_KEYS
    }
    mapped = {comparable(name): (name, column) for name, column in contacts.columns.items()}
    for name, column in mapped.values():
        search.index(("contacts", "columns", name), column)
    names = definition.template.variables if definition.template else ()
    names = tuple(name for name in names if name not in definition.own_variables)
    variables = {
        name: search.variable(name, mapped.get(comparable(name)), definition.path_of_variable(name)) for name in names
    }
    told = definition.callback_template.variables if definition.callback_template else ()
    callback = {name: search.variable(name, mapped.get(comparable(name)), ("callback_data",)) for name in told}
    others = {name: search.variable(name, mapped[comparable(name)]) for name in _mapped_elsewhere(definition, mapped)}
    for name, path in _variables_of_accounts(definition):
        search.variable(name, mapped.get(comparable(name)), path)
    asked = RowCondition(contacts.where).columns if contacts.where else ()
    conditions = {name: search.index(("contacts", "where"), name) for name in asked}
    found_phones = tuple(index for index in phones if index is not None)
    order = list(search.order(found_phones))
    if search.faults:
        raise DefinitionFaults(search.faults)
    return Columns(
        phones=found_phones,
        country=optional["country_column"],
        zone=optional["zone"],
        not_after=optional["not_after"],
        consent=optional["consent"],
        key=optional["key"],
        voice={name: index for name in VOICE_KEYS if (index := optional[name]) is not None},
        variables={name: index for name, index in variables.items() if index is not None},
        callback={name: index for name, index in callback.items() if index is not None},
        conditions={name: index for name, index in conditions.items() if index is not None},
        order=order,
        fields=_fields(table, found_phones) | {name: index for name, index in others.items() if index is not None},
    )


def _mapped_elsewhere(definition: Definition, mapped: Collection[str]) -> set[str]:
    """Mapped names in what is made of the stored fields, which need them: other accounts' texts, and callback_data."""
    messages = (own.message for own in definition.by_account.values())
    texts = [message.tts for message in messages if message and message.tts]
    texts += [definition.callback_data] if definition.callback_data else []
    return {name for text in texts for name in Template(text).variables if comparable(name) in mapped}


def _variables_of_accounts(definition: Definition) -> Iterator[tuple[str, KeyPath]]:
    """The columns that the messages of single accounts name, and where."""
    for account, differing in definition.by_account.items():
        own = definition.for_account(account)
        if differing.message is not None and own.template is not None:
            for name in own.template.variables:
                if name not in own.own_variables:
                    yield name, ("by_account", account, *own.path_of_variable(name))


class _ColumnSearch:
    """Looks up columns, and collects a fault for each that is missing or ambiguous."""

    def __init__(self, definition: Definition, table: Table) -> None:
        self._definition = definition
        self._table = table
        self.faults: list[FileFault] = []

    def index(self, path: KeyPath, name: str | None) -> int | None:
        """The index of the column of this name; None for no name, or with a fault for the key at `path`."""
        if name is None:
            return None
        indexes = self._table.columns_named(name)
        if len(indexes) == 1:
            return indexes[0]
        if indexes:
            message = f'"{name}" is the name of {len(indexes)} columns in {self._table.file.name}'
            self.faults.append(self._definition.fault(path, message, "give each column a name of its own"))
        else:
            message = f'{self._table.file.name} has no column "{name}"'
            self.faults.append(self._definition.fault(path, message, self._suggestion(name)))
        return None

    def variable(self, variable: str, mapped: tuple[str, str] | None, path: KeyPath = ("message", "tts")) -> int | None:
        """The column of a template variable: the one that `contacts.columns` maps it to, else the one of its name."""
        if mapped is None:
            return self.index(path, variable)
        indexes = self._table.columns_named(mapped[1])
        return indexes[0] if len(indexes) == 1 else None  # the fault is already reported at contacts.columns

    def order(self, phones: Collection[int]) -> Iterator[tuple[str, bool]]:
        """The names of the fields that contacts are ordered by, and whether downwards."""
        fields = {index: name for name, index in _fields(self._table, phones).items()}
        path = ("contacts", "order")
        for written in self._definition.contacts.order:
            index = self.index(path, written.removeprefix("-"))
            if index in phones:
                message = "contacts cannot be ordered by their numbers"
                self.faults.append(self._definition.fault(path, message, "name another column"))
            elif index is not None:
                yield fields[index], written.startswith("-")

    def _suggestion(self, name: str) -> str:
        """The existing columns; but a first line that looks like a contact is not repeated: it has a number in it."""
        if line := self._table.line_of_header(name):
            return f"the columns' names stand in line {line}: remove what is above it"
        existing = [column for column in self._table.names if column]
        if any(sum(map(str.isdigit, column)) >= MIN_PHONE_DIGITS for column in existing):
            return "its first line looks like a contact: write the columns' names above it"
        by_comparable = {comparable(column): column for column in existing}
        near = difflib.get_close_matches(comparable(name), by_comparable, n=1)
        hint = f"did you mean {by_comparable[near[0]]}? " if near else ""
        return f"{hint}its columns are {', '.join(existing)}{self._table.elsewhere}"


def _fields(table: Table, phones: Collection[int]) -> dict[str, int]:
    """The index of every column but the numbers, by the name templates use; a repeated name gets a number: `name_2`."""
    fields: dict[str, int] = {}
    for index, name in enumerate(table.names):
        key = unique = template_name(name)
        if index in phones or not key:
            continue
        count = 1
        while unique in fields:
            count += 1
            unique = f"{key}_{count}"
        fields[unique] = index
    return fields
