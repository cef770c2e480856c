"""A cell's number: its text as shown, with its exact value beside it."""

from __future__ import annotations

from decimal import Decimal


class Quantity(str):
    """The text that a sheet shows for a number; `number` is that number, whatever its points and signs may look like.

    A point in the text of a sheet is always a decimal one, so `12.345` is no twelve thousand.
    """

    __slots__ = ("number",)
    number: Decimal

    def __new__(cls, text: str, number: Decimal) -> Quantity:
        quantity = super().__new__(cls, text)
        quantity.number = number
        return quantity

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)  # stored as text

    def strip(self, chars: str | None = None, /) -> str:
        """The quantity itself: its text has no blanks around it."""
        return self if chars is None else super().strip(chars)
