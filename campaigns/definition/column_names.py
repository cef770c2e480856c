"""Column names: the form in which they are compared, and the form in which templates write them."""

from __future__ import annotations

import re
import unicodedata


def comparable(name: str) -> str:
    """The name without case, spaces, underscores and punctuation, for comparing."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def template_name(name: str) -> str:
    """The name as a template variable: `First Name` becomes `first_name`; "" when it has no letter or digit."""
    variable = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name).casefold()).strip("_")
    return f"_{variable}" if variable[:1].isdigit() else variable
