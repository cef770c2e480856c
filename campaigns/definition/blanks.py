"""Which cells of a list hold no value: what looks blank, and the words that programs write where they have nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

NO_VALUE = frozenset(
    {"nan", "NaN", "-nan", "-NaN", "NaT", "None", "<NA>", "NA"}  # pandas, NumPy, Python, R
    | {"NULL", "null", "(null)", "(NULL)", "<null>", "<NULL>", "[null]", "[NULL]", r"\N"}  # databases and their tools
    | {"N/A", "n/a", "#N/A", "#NA", "#N/A N/A", "(blank)"}  # spreadsheets
    | {"#NV", "#N/D", "#N/B", "#Н/Д", "#YOK", "#HIÁNYZIK", "#PUUTTUU!", "#SAKNAS!"}  # the same in other languages
    | {"undefined", "[object Object]", "Invalid Date", "Invalid date"}  # JavaScript
    | {"<nil>", "<none>", "<None>"}  # Go
    | {"Loading...", "Loading…", "#GETTING_DATA"}  # online spreadsheets, until they have a value
    | {"-", "--", "---"}  # people
)  # as these programs write them: a person may be named Null or Nan
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a symbol that show as nothing
SILENT = {"Cf", "Pd", "Zs", "Zl", "Zp", "Mn", "Me"}  # format characters, dashes, spaces, marks without a letter


def is_blank(text: str) -> bool:
    """Whether a cell holds no value: nothing that shows, only dashes, or a program's word for "no value"."""
    return not without_blanks(text)


def without_blanks(cell: str) -> str:
    """The cell's text, trimmed; "" if it is blank."""
    text = cell.strip()
    if text in NO_VALUE or (not text.isascii() and all(map(_is_silent, text))):
        return ""
    return text


def trimmed_cells(cells: Sequence[str]) -> list[str]:
    """The cells, each as `without_blanks` gives it; quick for many that hold values."""
    trimmed = [cell.strip() for cell in cells]
    if "".join(trimmed).isascii() and NO_VALUE.isdisjoint(trimmed):
        return trimmed
    return [cell if cell.isascii() and cell not in NO_VALUE else without_blanks(cell) for cell in trimmed]


def _is_silent(character: str) -> bool:
    return character.isspace() or character in FILLERS or unicodedata.category(character) in SILENT
