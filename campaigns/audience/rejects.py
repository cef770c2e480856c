"""The rejected rows of a list, each with its reason, written to a CSV file that can be corrected and used again."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import NamedTuple
from weakref import finalize

from campaigns.audience.formulas import harmless, restored
from campaigns.audience.temp_space import temp_space
from dialer.errors import DialerError
from dialer.whole_file import whole_file

OWN_COLUMNS = ("_line", "_column", "_code", "_reason", "_suggestion")
KEPT_IN_MEMORY = 1000
SPOOLED_IN_MEMORY = 1 << 20
REJECTS = "the rejects of the list"


class CannotWriteRejects(DialerError):
    """The file of rejects cannot be written: the folder is full, or not writable."""


class RejectCode(StrEnum):
    """Why a row is rejected."""

    EMPTY_NUMBER = "empty_number"
    INVALID_NUMBER = "invalid_number"
    BAD_COUNTRY = "bad_country"
    KIND_NOT_ALLOWED = "kind_not_allowed"  # a premium-rate number, or the like: see `contacts.allow`
    NO_CALLER_ID = "no_caller_id"  # none of the campaign's numbers is of its country: see `caller_id.by`
    DUPLICATE = "duplicate"
    LEFT_OUT_DUPLICATE = "duplicate_left_out"  # the campaign file says so: `contacts.duplicates: first`
    IN_CAMPAIGN = "in_campaign"  # another campaign of this name, not ended, has the number
    ON_DNC = "on_dnc"  # on the suppression list
    ERASED = "erased"  # likewise, after an erasure: nothing of the row is kept
    MISSING_VARIABLE = "missing_variable"
    TEXT_TOO_LONG = "text_too_long"
    CHARACTERS = "characters"  # the provider cannot speak them
    VOICE = "voice"  # the provider has no such voice
    BAD_TEXT = "bad_text"  # the template fails on this row
    BAD_ZONE = "bad_zone"
    BAD_NOT_AFTER = "bad_not_after"
    NO_CONSENT = "no_consent"
    BAD_KEY = "bad_key"  # blank or too long
    DUPLICATE_KEY = "duplicate_key"
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    BAD_CONDITION = "bad_condition"  # a cell that `contacts.where` compares is no number, or no date
    NOT_WANTED = "not_wanted"  # it does not meet `contacts.where`
    HIDDEN = "hidden"  # a workbook's row that people do not see
    BROKEN_ROW = "broken_row"  # unbalanced quotes, or a NUL character


EXCLUDED = (RejectCode.ON_DNC, RejectCode.ERASED, RejectCode.IN_CAMPAIGN)
"""Codes of valid contacts that are not to be called now."""
NOT_BLOCKING = frozenset({*EXCLUDED, RejectCode.LEFT_OUT_DUPLICATE, RejectCode.HIDDEN, RejectCode.NOT_WANTED})
"""Codes that do not keep a campaign from starting: these rows are only left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One row that will not be called. `column` names the column at fault, "" for the row; `cells` are as read."""

    line: int
    column: str
    code: str
    reason: str
    suggestion: str = ""
    cells: Sequence[str] = field(default=(), repr=False)


class RejectedRow(NamedTuple):
    """A row as the ledger keeps it; `cells` is None where none is kept."""

    line: int
    code: str
    reason: str
    cells: Sequence[str] | None


def _new_spool() -> SpooledTemporaryFile[str]:
    return SpooledTemporaryFile(SPOOLED_IN_MEMORY, "w+", encoding="utf-8", newline="")


def _close(*spools: SpooledTemporaryFile[str]) -> None:
    for spool in spools:
        with suppress(OSError):  # unwritten data is of no use any more
            spool.close()


class RejectStore:
    """All rejects of one list; those that `contacts.where` leaves out are counted and written nowhere but in `rows`.

    They are in temporary files once they exceed a megabyte, so that memory does not grow with them.

    first      the first rejects, at most `KEPT_IN_MEMORY`
    count      all rejects
    blocking   rejects that keep the campaign from starting
    """

    def __init__(self, header: Sequence[str]) -> None:
        self.first: list[Reject] = []
        self.count = 0
        self.blocking = 0
        self._header = tuple(header)
        self._open()

    def _open(self) -> None:
        self._spool, self._unwanted = _new_spool(), _new_spool()
        # Also where it is garbage with others, in whatever order.
        self._close = finalize(self, _close, self._spool, self._unwanted)

    def clear(self) -> None:
        """Remove all rejects."""
        self._close()
        self.first, self.count, self.blocking = [], 0, 0
        self._open()

    def add(self, reject: Reject) -> None:
        """Add one reject. Raises NoTempSpace."""
        if reject.code == RejectCode.NOT_WANTED:  # the campaign file says so: there is nothing to correct
            self._spool_row(self._unwanted, reject)
            return
        if len(self.first) < KEPT_IN_MEMORY:
            self.first.append(reject)
        self.count += 1
        self.blocking += reject.code not in NOT_BLOCKING
        self._spool_row(self._spool, reject)

    def _spool_row(self, spool: SpooledTemporaryFile[str], reject: Reject) -> None:
        with temp_space(REJECTS):
            csv.writer(spool, quoting=csv.QUOTE_ALL).writerow(_csv_row(reject, len(self._header)))

    def rows(self) -> Iterator[RejectedRow]:
        """Every row that is not called, those too that `contacts.where` leaves out. Nothing is added meanwhile."""
        width = len(self._header)
        for spool in (self._spool, self._unwanted):
            with temp_space(REJECTS):
                spool.seek(0)
            for row in csv.reader(spool):
                cells = restored([*row[:width], *row[width + len(OWN_COLUMNS) :]])
                line, _, code, reason, _ = row[width : width + len(OWN_COLUMNS)]
                yield RejectedRow(int(line), code, restored([reason])[0], cells if any(cells) else None)
            spool.seek(0, os.SEEK_END)

    def write(self, path: Path) -> int:
        """Write all rejects as a CSV file that spreadsheets open (UTF-8 with a mark); returns how many there are.

        The list's own columns come first, then `OWN_COLUMNS`, then cells beyond the header; a corrected file is read
        as a list with the cells as they were.
        Raises NoTempSpace, CannotWriteRejects.
        """
        with temp_space(REJECTS):
            self._spool.seek(0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with whole_file(path, encoding="utf-8-sig") as stream:
                csv.writer(stream, quoting=csv.QUOTE_ALL).writerow([*map(harmless, self._header), *OWN_COLUMNS])
                shutil.copyfileobj(self._spool, stream)
        except OSError as exc:
            message = f"the rejects cannot be written to {path}: {exc.strerror or exc}"
            raise CannotWriteRejects(message, "make room there, or choose another DIALER_DATA_DIR") from None
        self._spool.seek(0, os.SEEK_END)
        return self.count


def _csv_row(reject: Reject, width: int) -> list[str | int]:
    cells = [harmless(cell) for cell in reject.cells]
    cells += [""] * (width - len(cells))
    own = (reject.column, reject.code, reject.reason, reject.suggestion)
    return [*cells[:width], reject.line, *map(harmless, own), *cells[width:]]
