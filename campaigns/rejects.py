"""Rows that will not be called, each with the reason, whole enough to be corrected and sent again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

OWN_COLUMNS = ("_line", "_column", "_code", "_reason", "_suggestion")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Code(StrEnum):
    """Why a row is rejected."""

    EMPTY_NUMBER = "empty_number"
    INVALID_NUMBER = "invalid_number"
    DUPLICATE = "duplicate"
    MISSING_VARIABLE = "missing_variable"
    TEXT_TOO_LONG = "text_too_long"
    CHARACTERS = "characters"  # the provider cannot speak them
    BAD_TEXT = "bad_text"  # the template fails on this row
    BAD_ZONE = "bad_zone"
    BAD_NOT_AFTER = "bad_not_after"
    NO_CONSENT = "no_consent"
    SHORT_ROW = "short_row"
    LONG_ROW = "long_row"
    BROKEN_ROW = "broken_row"  # its quotes, or a character that no text holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One row that will not be called. `column` is the header's name of the cell at fault; `cells` are as they came."""

    line: int
    column: str
    code: str
    reason: str
    suggestion: str = ""
    cells: Sequence[str] = field(default=(), repr=False)


def write_rejects(path: Path, header: Sequence[str], rejects: Iterable[Reject]) -> int:
    """Write rejects as CSV that spreadsheets open, and return how many there were.

    The list's own columns stay as they came, and ours follow them; cells beyond the header come last.
    """
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow([*header, *OWN_COLUMNS])
        for reject in rejects:
            writer.writerow(_line(reject, len(header)))
            count += 1
    return count


def _line(reject: Reject, width: int) -> list[str | int]:
    cells = list(reject.cells)
    cells += [""] * (width - len(cells))
    own = (reject.column, reject.code, reject.reason, reject.suggestion)
    return [*cells[:width], reject.line, *map(_harmless, own), *cells[width:]]


def _harmless(text: str) -> str:
    """Our own words, so that no spreadsheet takes them for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
