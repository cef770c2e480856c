"""Cells that a spreadsheet would run as a formula: made harmless in the files we write, restored in those we read.

A spreadsheet takes a cell for a text when an apostrophe stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Blanks and invisible characters may stand before the sign, and some spreadsheets take its full-width form. What has an
# apostrophe before it is matched where it is without: so it gets another one, and comes back with its own.
FORMULA = re.compile(
    r"[ ']*+(?:[\t\r\n]|"
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*[-+=@−＝＠＋－﹢﹣﹦﹫])"
)
NUMBER = re.compile(r"[+-][\d*.]+")  # masked or not; no formula


def harmless(text: str) -> str:
    """The text as a cell of a file of ours: with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def restored(cells: Sequence[str]) -> list[str]:
    """The cells of a row with those that `harmless` made as they were before; blanks before an apostrophe say nothing.

    A CSV file without quotes has lost such blanks, a workbook has kept them.
    """
    return [_restored(cell) if "'" in cell else cell for cell in cells]


def _restored(cell: str) -> str:
    written = cell.lstrip(" ")
    return written[1:] if written.startswith("'") and harmless(written[1:]) == written else cell
