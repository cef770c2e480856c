"""Names of columns (A, B, … XFD) and their indexes, from 0."""

from __future__ import annotations

import re

LAST_ROW, COLUMNS = 1 << 20, 1 << 14
LETTERS = re.compile("[A-Z]{1,3}")


def column_index(letters: str) -> int:
    """The index of the column with this name. Raises ValueError when a sheet has no such column."""
    if LETTERS.fullmatch(letters):
        index = 0
        for letter in letters:
            index = index * 26 + ord(letter) - ord("A") + 1
        if index <= COLUMNS:
            return index - 1
    raise ValueError(f"no column is named {letters!r}")


def column_name(index: int) -> str:
    """The name of the column with this index."""
    name, rest = "", index + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
