"""Columns' names: as they are compared, and as templates can write them."""

from __future__ import annotations

import re
import unicodedata


def comparable(name: str) -> str:
    """A column's name as it is compared: without case, spaces, underscores and signs."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def template_name(name: str) -> str:
    """A column's name as templates can write it: `First Name` becomes `first_name`."""
    word = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name).casefold()).strip("_")
    return f"_{word}" if word[:1].isdigit() else word
