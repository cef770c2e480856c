"""Counts values that would be said differently from what the list has, such as a rounded amount, for a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.definition.speech.speech_filters import SpokenValue
from dialer.plural import counted


class ChangedValues:
    """Counts such values by variable and kind of change, and keeps the first of each."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], tuple[int, SpokenValue]] = {}

    def add(self, row: ContactRow) -> None:
        """Count the values of one contact."""
        for value in row.spoken:
            if value.change:
                kind = value.name, value.change
                self._counts[kind] += 1
                self._first.setdefault(kind, (row.line, value))

    def warnings(self) -> Iterator[str]:
        """A sentence for each variable and kind of change."""
        for (name, change), count in self._counts.items():
            line, value = self._first[name, change]
            values = counted(count, "value is", "values are")
            yield f'{name or "a value"}: {values} said {change}; in line {line} "{value.value}" as "{value.spoken}"'
