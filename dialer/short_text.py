"""Short texts that others give us, such as keys and names: they are kept, listed and printed as they came."""

from __future__ import annotations


def is_short_text(text: str, longest: int) -> bool:
    """Whether it has 1 to `longest` characters, all of which can be printed: no NUL, no line end, no half of a pair."""
    return 0 < len(text) <= longest and text.isprintable()
