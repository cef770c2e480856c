"""Contacts between their check and the ledger: on disk, in their order, and gone with the process that wrote them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

from campaigns.audience.row_reader import ContactRow
from campaigns.audience.temp_space import temp_space
from campaigns.ledger.drafts import NewContact

WRITTEN_AT_ONCE = 1000
NO_ZONE = "UTC"  # of contacts whose campaign may call at any time and names no zone
CONTACTS = "the contacts of the list"


class StagingFile:
    """What was checked is what is read back, whatever becomes of the list. The file has no name for others to open.

    `about` is how many contacts are expected. Everything raises NoTempSpace where there is no room.
    """

    def __init__(self, about: int = 0) -> None:
        self.zones: set[str] = set()
        self._about, self._count = about, 0
        self._some: list[NewContact] = []
        with temp_space(CONTACTS):
            self._file = TemporaryFile()  # noqa: SIM115

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):  # what could not be written, or never was opened, is given up
            self._file.close()

    def add(self, row: ContactRow) -> None:
        """Keep a contact as it is to enter the ledger."""
        one = admitted(row)
        self.zones.add(one.zone)
        self._some.append(one)
        self._count += 1
        if len(self._some) == WRITTEN_AT_ONCE:
            self._write()

    def contacts(self) -> Iterator[NewContact]:
        """All of them, from the first on."""
        self._write()
        with temp_space(CONTACTS):
            self._file.seek(0)
        while some := self._read():
            yield from map(NewContact._make, some)

    def _read(self) -> list[tuple[Any, ...]]:
        try:
            with temp_space(CONTACTS):
                some: list[tuple[Any, ...]] = pickle.load(self._file)  # noqa: S301  # nobody else can write there
        except EOFError:
            return []
        return some

    def _write(self) -> None:
        if self._some:
            some = pickle.dumps([tuple(one) for one in self._some], pickle.HIGHEST_PROTOCOL)
            with temp_space(CONTACTS, self._needed(len(some))):
                self._file.write(some)
                self._file.flush()
            self._some.clear()

    def _needed(self, size: int) -> int:
        """About how many bytes all of them take."""
        return round(size / len(self._some) * max(self._about, self._count))


def admitted(row: ContactRow) -> NewContact:
    """A checked row as it enters the ledger."""
    zone = row.zone or NO_ZONE
    return NewContact(
        row.line, row.phone.e164, row.fields, row.text, zone, row.not_after, row.consent, row.voice or None
    )
