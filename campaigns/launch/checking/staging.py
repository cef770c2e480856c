"""A temporary file that holds the checked contacts, in order, until they are written into the ledger."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryFile

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.audience.temp_space import temp_space
from campaigns.ledger.lists.drafts import NewContact, WrittenContact, written_contact

WRITTEN_AT_ONCE = 1000
NO_ZONE = "UTC"  # of contacts whose campaign may call at any time and names no zone
CONTACTS = "the contacts of the list"


class StagingFile:
    """Keeps the contacts as they were checked, whatever happens to the list meanwhile.

    The file has no name, so no other process can open it, and it is gone with this process. `expected` is the expected
    number of contacts. Every method raises NoTempSpace when the disk is full.
    """

    def __init__(self, expected: int = 0) -> None:
        self._expected, self._count = expected, 0
        self._unwritten: list[ContactRow] = []
        with temp_space(CONTACTS):
            self._file = TemporaryFile()  # noqa: SIM115

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):  # not opened, or the rest could not be written: it is not needed
            self._file.close()

    def add(self, row: ContactRow) -> None:
        """Keep a checked row."""
        self._unwritten.append(row)
        self._count += 1
        if len(self._unwritten) == WRITTEN_AT_ONCE:
            self._write()

    def contacts(self) -> Iterator[WrittenContact]:
        """All contacts as the ledger takes them, in the order in which they were added."""
        self._write()
        with temp_space(CONTACTS):
            self._file.seek(0)
        while batch := self._read():
            yield from batch

    def _read(self) -> list[WrittenContact]:
        try:
            with temp_space(CONTACTS):
                batch: list[WrittenContact] = pickle.load(self._file)  # noqa: S301  # no other process can write it
        except EOFError:
            return []
        return batch

    def _write(self) -> None:
        if self._unwritten:
            batch = pickle.dumps(list(map(as_contact, self._unwritten)), pickle.HIGHEST_PROTOCOL)
            with temp_space(CONTACTS, self._bytes_needed(len(batch))):
                self._file.write(batch)
                self._file.flush()
            self._unwritten.clear()

    def _bytes_needed(self, batch_size: int) -> int:
        """About how many bytes all contacts take."""
        return round(batch_size / len(self._unwritten) * max(self._expected, self._count))


def as_contact(row: ContactRow) -> WrittenContact:
    """A checked row as the ledger takes it."""
    line, e164, fields, zone, not_after, text, voice, consent, key, _, given = row
    return written_contact(line, e164, fields, text, zone or NO_ZONE, not_after, consent, voice, key, given)


def new_contact(row: ContactRow) -> NewContact:
    """A checked row as it is written into the ledger."""
    zone = row.zone or NO_ZONE
    voice = row.voice or None
    return NewContact(row.line, row.e164, row.fields, row.text, zone, row.not_after, row.consent, voice, row.key)
