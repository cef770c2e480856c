"""Rows that will not be called, each with the reason, whole enough to be corrected and sent again."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import SpooledTemporaryFile

from campaigns.audience.temp_space import temp_space
from dialer.errors import DialerError

OWN_COLUMNS = ("_line", "_column", "_code", "_reason", "_suggestion")
KEPT_IN_MEMORY = 1000
SPOOLED_IN_MEMORY = 1 << 20
REJECTS = "the rejects of the list"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class CannotWriteRejects(DialerError):
    """The folder of reports is full, or cannot be written."""


class RejectCode(StrEnum):
    """Why a row is rejected."""

    EMPTY_NUMBER = "empty_number"
    INVALID_NUMBER = "invalid_number"
    BAD_COUNTRY = "bad_country"
    DUPLICATE = "duplicate"
    LEFT_OUT_DUPLICATE = "duplicate_left_out"  # by the campaign's own word: contacts.duplicates
    IN_CAMPAIGN = "in_campaign"  # another campaign of this name calls the number
    ON_DNC = "on_dnc"  # on the suppression list
    ERASED = "erased"  # the same, at the person's wish: nothing of the row is kept
    MISSING_VARIABLE = "missing_variable"
    TEXT_TOO_LONG = "text_too_long"
    CHARACTERS = "characters"  # the provider cannot speak them
    VOICE = "voice"  # the provider has no such voice
    BAD_TEXT = "bad_text"  # the template fails on this row
    BAD_ZONE = "bad_zone"
    BAD_NOT_AFTER = "bad_not_after"
    NO_CONSENT = "no_consent"
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    BROKEN_ROW = "broken_row"  # its quotes, or a character that no text holds


EXCLUDED = (RejectCode.ON_DNC, RejectCode.ERASED, RejectCode.IN_CAMPAIGN)
"""Contacts that are in order, and are not called now."""
NOT_BLOCKING = frozenset({*EXCLUDED, RejectCode.LEFT_OUT_DUPLICATE})
"""Codes that are no reason to start nothing: the rows are left out, and the file says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One row that will not be called. `column` is the header's name of the cell at fault; `cells` are as they came."""

    line: int
    column: str
    code: str
    reason: str
    suggestion: str = ""
    cells: Sequence[str] = field(default=(), repr=False)


class RejectStore:
    """The rejects of one list: the first are kept, all are written out; memory does not grow with them."""

    def __init__(self, header: Sequence[str]) -> None:
        self.first: list[Reject] = []
        self.count = 0
        self.blocking = 0  # those that are a reason to start nothing
        self._header = tuple(header)
        self._open()

    def _open(self) -> None:
        self._spool = SpooledTemporaryFile(SPOOLED_IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._spool, quoting=csv.QUOTE_ALL)

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        with suppress(OSError):  # what could not be written is given up
            self._spool.close()

    def clear(self) -> None:
        """Begin anew."""
        self._close()
        self.first, self.count, self.blocking = [], 0, 0
        self._open()

    def add(self, reject: Reject) -> None:
        if len(self.first) < KEPT_IN_MEMORY:
            self.first.append(reject)
        self.count += 1
        self.blocking += reject.code not in NOT_BLOCKING
        with temp_space(REJECTS):
            self._writer.writerow(_line(reject, len(self._header)))

    def write(self, path: Path) -> int:
        """Write all of them as CSV that spreadsheets open, and return how many there are.

        The list's own columns stay as they came, and ours follow them; cells beyond the header come last. Raises
        NoTempSpace, CannotWriteRejects.
        """
        with temp_space(REJECTS):
            self._spool.seek(0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("w", encoding="utf-8-sig", newline="") as stream:
                csv.writer(stream, quoting=csv.QUOTE_ALL).writerow([*self._header, *OWN_COLUMNS])
                shutil.copyfileobj(self._spool, stream)
        except OSError as exc:
            said = f"the rejects cannot be written to {path}: {exc.strerror or exc}"
            raise CannotWriteRejects(said, "make room there, or choose another DIALER_DATA_DIR") from None
        self._spool.seek(0, os.SEEK_END)
        return self.count


def _line(reject: Reject, width: int) -> list[str | int]:
    cells = list(reject.cells)
    cells += [""] * (width - len(cells))
    own = (reject.column, reject.code, reject.reason, reject.suggestion)
    return [*cells[:width], reject.line, *map(_harmless, own), *cells[width:]]


def _harmless(text: str) -> str:
    """Our own words, so that no spreadsheet takes them for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
