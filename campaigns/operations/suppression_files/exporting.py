"""Takes the suppression list away as a CSV file, which can be imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from campaigns.audience.formulas import harmless
from campaigns.ledger import moves
from campaigns.ledger.numbers.suppressions import listed_from
from campaigns.ledger.store import Ledger
from campaigns.operations.suppression_files.importing import COLUMNS
from dialer.whole_file import whole_file

EXPORTED_AT_ONCE = 2000


def export_file(ledger: Ledger, path: Path) -> int:
    """Write the list as a CSV file that `import_file` reads again; returns the number of entries.

    Numbers are written in full (E.164), or as a hash where they were erased; only the owner may read the file.
    """
    with whole_file(path, encoding="utf-8-sig") as stream:
        return write_lines(ledger, stream)


def write_lines(ledger: Ledger, stream: TextIO) -> int:
    """Write the list as `export_file` does; returns the number of entries."""
    writer, lines = csv.writer(stream, quoting=csv.QUOTE_ALL), -1
    for cells in exported_cells(ledger):
        writer.writerow(cells)
        lines += 1
    return lines


def exported_cells(ledger: Ledger, *, whole: bool = True) -> Iterator[Sequence[str]]:
    """The rows of the file that `export_file` writes, its header before them; numbers are masked unless `whole`.

    They are read in parts, so that nobody's write waits for the reader.
    """
    yield COLUMNS
    last = 0
    while True:
        with ledger.reading() as db:
            entries = listed_from(db, after=last, limit=EXPORTED_AT_ONCE)
        for _, entry in entries:
            ends = entry.expires_at.isoformat() if entry.expires_at else ""
            phone = entry.phone if whole else entry.masked
            texts = map(harmless, (phone, entry.account, entry.reason, entry.source))
            yield [*texts, entry.added_at.isoformat(), ends]
        if len(entries) < EXPORTED_AT_ONCE:
            return
        last = entries[-1][0]


def note_export(ledger: Ledger, *, whole: bool, who: str, now: datetime) -> None:
    """Write to the audit that somebody takes the list away."""
    detail = "numbers in full" if whole else "numbers masked"
    ledger.write(moves.write_audit, now, who=who, event="suppressions exported", detail=detail)
