"""`contacts.order`: the contacts of a list in another order than the list's, however many they are."""

from __future__ import annotations

import heapq
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import total_ordering
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, Protocol, TypeVar

from campaigns.audience.temp_space import temp_space
from campaigns.definition.cell_numbers import numbers_in

IN_MEMORY = 50_000  # contacts that are sorted at once; more are sorted in parts, and these merged from files
READ_AT_ONCE = 500
SORTED = "the contacts in their order"


class Fields(Protocol):
    """A contact, as far as it is sorted: its cells by the names of their columns."""

    @property
    def fields(self) -> Mapping[str, str]: ...


Key = Callable[[Fields], Any]
T = TypeVar("T", bound=Fields)


@total_ordering
class _Downwards:
    """A value that comes before those that are smaller."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downwards) and bool(self.value == other.value)

    def __lt__(self, other: _Downwards) -> bool:
        return bool(other.value < self.value)


def sort_key(order: Sequence[tuple[str, bool]]) -> Key:
    """What contacts are sorted by: their fields of these names, each upwards, or downwards where it says True.

    Numbers come by their value and before texts, texts without regard to case, and blank ones last, either way.
    """

    def key(row: Fields) -> list[Any]:
        return [_place(row.fields[name], downwards) for name, downwards in order]

    return key


def _place(cell: str, downwards: bool) -> tuple[bool, Any]:
    value: tuple[bool, float, str]
    numbers = numbers_in(cell)
    value = (False, numbers[0], "") if numbers else (True, 0.0, cell.casefold())
    return not cell, _Downwards(value) if downwards else value


def in_order(rows: Iterable[T], key: Key) -> Iterator[T]:
    """The same contacts, sorted; those that are equal stay as they were. Raises NoTempSpace."""
    left = iter(rows)
    parts: list[Iterator[T]] = []
    while part := sorted(islice(left, IN_MEMORY), key=key):
        if len(part) < IN_MEMORY and not parts:
            yield from part
            return
        parts.append(_kept(part))
    yield from heapq.merge(*parts, key=key)


def _kept(part: Sequence[T]) -> Iterator[T]:
    """A part in a file without a name, read again some at a time."""
    with temp_space(SORTED):
        file = TemporaryFile()  # noqa: SIM115  # it is closed with its iterator
        for first in range(0, len(part), READ_AT_ONCE):
            pickle.dump(part[first : first + READ_AT_ONCE], file, pickle.HIGHEST_PROTOCOL)
        file.seek(0)

    def read() -> Iterator[T]:
        with file:
            while True:
                try:
                    yield from pickle.load(file)  # noqa: S301  # no other process can write it
                except EOFError:
                    return

    return read()
