"""Encodings of text files, by the names that Python knows."""

from __future__ import annotations

import difflib
import re
from encodings.aliases import aliases

NAMES = sorted({*aliases, *aliases.values()})


class NoSuchEncoding(ValueError):
    """No encoding has this name; `suggestion` says what to write."""

    def __init__(self, name: str, suggestion: str) -> None:
        super().__init__(f'no encoding is called "{name}"')
        self.suggestion = suggestion


def encoding_named(name: str) -> str:
    """The name, if it is that of an encoding of texts. Raises NoSuchEncoding."""
    try:
        b"a".decode(name, "replace")
    except (LookupError, ValueError):
        near = difflib.get_close_matches(re.sub(r"\W", "_", name.lower()), NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "write cp1250, cp1253, cp1256, gbk, shift_jis …"
        raise NoSuchEncoding(name, hint) from None
    return name
