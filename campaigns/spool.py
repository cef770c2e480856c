"""Contacts between their check and the ledger: on disk, in their order, and gone with the process that wrote them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any

from campaigns.ledger.admission import Admitted
from campaigns.rows import ContactRow

WRITTEN_AT_ONCE = 1000
NO_ZONE = "UTC"  # of contacts whose campaign may call at any time and names no zone


class Spool:
    """What was checked is what is read back, whatever becomes of the list. The file has no name for others to open."""

    def __init__(self) -> None:
        self.zones: set[str] = set()
        self._file = TemporaryFile()  # noqa: SIM115
        self._some: list[Admitted] = []

    def __del__(self) -> None:
        self._file.close()

    def add(self, row: ContactRow) -> None:
        """Keep a contact as it is to enter the ledger."""
        one = admitted(row)
        self.zones.add(one.zone)
        self._some.append(one)
        if len(self._some) == WRITTEN_AT_ONCE:
            self._write()

    def contacts(self) -> Iterator[Admitted]:
        """All of them, from the first on."""
        self._write()
        self._file.seek(0)
        while True:
            try:
                some: list[tuple[Any, ...]] = pickle.load(self._file)  # noqa: S301  # nobody else can write there
            except EOFError:
                return
            yield from map(Admitted._make, some)

    def _write(self) -> None:
        if self._some:
            pickle.dump([tuple(one) for one in self._some], self._file, pickle.HIGHEST_PROTOCOL)
            self._some.clear()


def admitted(row: ContactRow) -> Admitted:
    """A checked row as it enters the ledger."""
    zone = row.zone or NO_ZONE
    return Admitted(row.line, row.phone.e164, row.fields, row.text, zone, row.not_after, row.consent, row.voice or None)
