"""The number in a cell of a list, however its list writes decimals and thousands; or both that it can mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from campaigns.definition.speech.quantity import Quantity

PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[-+]?(\d+,\d*|,\d+)")
GROUPED = re.compile(
    r"[-+]?[1-9]\d{0,2}(?P<group>[.,' \u00a0\u2009\u202f’])\d{3}((?P=group)\d{3})*(?P<fraction>[.,]\d*)?"
)
ONE_GROUP = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}")


def numbers_in(cell: str) -> Sequence[float]:
    """What a cell means as a number: none, one, or two where its only point or comma may stand before thousands.

    Of two the first is the one that English means: `1.250` is 1.25, and `1,250` is 1250.
    """
    if isinstance(cell, Quantity):
        return (float(cell.number),)
    if cell[-4:-3] in {".", ","} and ONE_GROUP.fullmatch(cell):
        decimal, whole = float(cell.replace(",", ".")), float(re.sub("[.,]", "", cell))
        return (whole, decimal) if "," in cell else (decimal, whole)
    if PLAIN.fullmatch(cell):
        return (float(cell),)
    if DECIMAL_COMMA.fullmatch(cell):
        return (float(cell.replace(",", ".")),)
    grouped = GROUPED.fullmatch(cell)
    if grouped is None or (grouped["fraction"] or " ")[0] == grouped["group"]:
        return ()
    fraction = grouped["fraction"] or ""
    digits = cell[: len(cell) - len(fraction)].replace(grouped["group"], "")
    return (float(digits + fraction.replace(",", ".")),)
