"""Encodings of text files, by the names that Python knows."""

from __future__ import annotations

import codecs
import difflib
import re
from encodings.aliases import aliases

NO_ENCODINGS_OF_FILES = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"})


class NoSuchEncoding(ValueError):
    """No encoding has this name; `suggestion` says what to write."""

    def __init__(self, name: str, suggestion: str) -> None:
        super().__init__(f'no encoding is called "{name}"')
        self.suggestion = suggestion


def encoding_named(name: str) -> str:
    """The name, if it is that of an encoding of texts. Raises NoSuchEncoding."""
    if not _is_of_files(name):
        likely = difflib.get_close_matches(re.sub(r"\W", "_", name.lower()), {*aliases, *aliases.values()}, n=5)
        near = [one for one in likely if _is_of_files(one)]
        hint = f"did you mean {near[0]}?" if near else "write cp1250, cp1253, cp1256, gbk, shift_jis …"
        raise NoSuchEncoding(name, hint)
    return name


def _is_of_files(name: str) -> bool:
    """Whether text files are written in an encoding of this name."""
    try:
        b"a".decode(name, "replace")
        return codecs.lookup(name).name.replace("-", "_") not in NO_ENCODINGS_OF_FILES
    except (LookupError, ValueError):
        return False
