"""The lines in which the phones, or the keys, of a list stand first."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from campaigns.audience.rows.contact_row import ContactRow
from dialer.number_identity import identity

NOTHING: Mapping[int, int] = {}


def phone_of(contact: ContactRow) -> int:
    """The phone of a contact, the same for each spelling of its number."""
    return int(identity(contact.e164)[1:])


def key_of(contact: ContactRow) -> str:
    """The key of a contact."""
    return contact.key


class FirstLines:
    """Remembers them in a table in memory, where a million take a fifth of what they take in a dict.

    `value_of` returns what is remembered of a contact: a number or a text.
    """

    def __init__(self, value_of: Callable[[ContactRow], int | str]) -> None:
        self._value_of = value_of
        self._lines = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._lines.execute("PRAGMA journal_mode=OFF")
        kind = "INTEGER" if value_of is phone_of else "TEXT"
        self._lines.execute(f"CREATE TABLE lines (value {kind} PRIMARY KEY, line INTEGER NOT NULL)")
        self._lines.execute("BEGIN")

    def close(self) -> None:
        """Forget them."""
        self._lines.close()

    def of(self, contacts: Sequence[ContactRow]) -> Mapping[int, int]:
        """The lines of those contacts whose value has come before, each with the line where it came first."""
        values, lines = list(map(self._value_of, contacts)), [contact.line for contact in contacts]
        added = self._lines.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?)", zip(values, lines, strict=True))
        if added.rowcount == len(contacts):
            return NOTHING
        query = self._lines.execute
        firsts = (query("SELECT line FROM lines WHERE value = ?", (value,)).fetchone()[0] for value in values)
        return {line: first for line, first in zip(lines, firsts, strict=True) if line != first}
