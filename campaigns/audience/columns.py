"""Which column of a list is what: found by its name, or named as missing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from campaigns.audience.table import Table
from campaigns.definition import Definition
from campaigns.definition.column_names import comparable, template_name
from campaigns.definition.yaml_source import DefinitionFaults, FileFault, KeyPath

MIN_PHONE_DIGITS = 7
VOICE_KEYS = ("language", "voice")
OPTIONAL_KEYS = ("country_column", "zone", "not_after", "consent", *VOICE_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Places of a list's columns. `phones` come in order of preference; `spoken` are those the template says, by
    variable; `voice` those that say how; `fields` are all but the numbers."""

    phones: tuple[int, ...]
    country: int | None
    zone: int | None
    not_after: int | None
    consent: int | None
    voice: Mapping[str, int]
    spoken: Mapping[str, int]
    fields: Mapping[str, int]


def find_columns(definition: Definition, table: Table) -> Columns:
    """Find every column that a definition speaks of. Raises DefinitionFaults naming those that are not there."""
    search = _ColumnSearch(definition, table)
    contacts = definition.contacts
    phones = [search.place(("contacts", "phone"), name) for name in contacts.phone]
    named = {name: search.place(("contacts", name), getattr(contacts, name)) for name in OPTIONAL_KEYS}
    mapped = {comparable(name): (name, column) for name, column in contacts.columns.items()}
    for name, column in mapped.values():
        search.place(("contacts", "columns", name), column)
    variables = definition.template.variables if definition.template else ()
    spoken = {name: search.spoken(name, mapped.get(comparable(name))) for name in variables}
    if search.faults:
        raise DefinitionFaults(search.faults)
    places = tuple(place for place in phones if place is not None)
    return Columns(
        phones=places,
        country=named["country_column"],
        zone=named["zone"],
        not_after=named["not_after"],
        consent=named["consent"],
        voice={name: place for name in VOICE_KEYS if (place := named[name]) is not None},
        spoken={name: place for name, place in spoken.items() if place is not None},
        fields=_fields(table, places),
    )


class _ColumnSearch:
    """Looks columns up, and gathers a fault for each that cannot be told."""

    def __init__(self, definition: Definition, table: Table) -> None:
        self._definition = definition
        self._table = table
        self.faults: list[FileFault] = []

    def place(self, path: KeyPath, name: str | None) -> int | None:
        if name is None:
            return None
        places = self._table.columns(name)
        if len(places) == 1:
            return places[0]
        if places:
            message = f'"{name}" is the name of {len(places)} columns in {self._where()}'
            self.faults.append(self._definition.fault(path, message, "give each column a name of its own"))
        else:
            message = f'{self._where()} has no column "{name}"'
            self.faults.append(self._definition.fault(path, message, self._there_is(name)))
        return None

    def spoken(self, variable: str, mapped: tuple[str, str] | None) -> int | None:
        """The column of a variable: the one the definition maps it to, else the one of its name."""
        if mapped is None:
            return self.place(("message", "tts"), variable)
        places = self._table.columns(mapped[1])
        return places[0] if len(places) == 1 else None  # else the mapping itself has been named as the fault

    def _where(self) -> str:
        return self._table.file.name

    def _there_is(self, name: str) -> str:
        """The columns there are; but a list that begins with a contact is not printed, it has numbers in it."""
        names = [there for there in self._table.names if there]
        if any(sum(map(str.isdigit, there)) >= MIN_PHONE_DIGITS for there in names):
            return "its first line looks like a contact: write the columns' names above it"
        by_folded = {comparable(there): there for there in names}
        near = difflib.get_close_matches(comparable(name), by_folded, n=1)
        hint = f"did you mean {by_folded[near[0]]}? " if near else ""
        return f"{hint}its columns are {', '.join(names)}"


def _fields(table: Table, phones: Collection[int]) -> dict[str, int]:
    """Names that templates can write for every column but the numbers; of equal names, the later ones get a number."""
    fields: dict[str, int] = {}
    for place, name in enumerate(table.names):
        key = unique = template_name(name)
        if place in phones or not key:
            continue
        count = 1
        while unique in fields:
            count += 1
            unique = f"{key}_{count}"
        fields[unique] = place
    return fields
