"""Parsing what comes from outside: nothing here raises, and a value of another kind than asked for is None.

Numbers and moments are read in `dialer.providers.bounds`.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

from dialer.phone import mask

WORD_LENGTH = 120
MOST_WORDS = 50  # of a list
DETAIL_LENGTH = 200
READ_LENGTH = 2000
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ().-]?\d){6,}")
_OPAQUE = re.compile(r"(?=[A-Za-z_\-.=+/]*\d)[A-Za-z0-9_\-.=+/]{24,}")


def parsed(body: bytes) -> Any:
    """The body as JSON; None where it is not JSON in UTF-8, with or without its mark, or nested beyond reason."""
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def member(value: Any, *path: str) -> Any:
    """The member at a path of names, None as soon as one is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def word(value: Any) -> str | None:
    """A short text that any store can keep; numbers become text, anything else and the empty text become None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**WORD_LENGTH:
        return str(value)
    if isinstance(value, str):
        return storable(value).strip()[:WORD_LENGTH] or None
    return None


def storable(text: str) -> str:
    """The text without what no database takes: NUL, and unpaired surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def is_true(value: Any) -> bool:
    """Whether a member is true, also when written as text."""
    return value is True or (isinstance(value, str) and value.casefold() == "true")


def words(value: Any) -> tuple[str, ...]:
    """The short texts of a list, or of a text with commas between them; MOST_WORDS at the most, each once."""
    listed = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for one in listed[:MOST_WORDS] if (text := word(one))))


def tag_names(tags: Any) -> tuple[str, ...]:
    """The names of a list of tags, each of which is an object."""
    return words([member(tag, "tag_name") for tag in tags] if isinstance(tags, list) else None)


def uuid_of(value: Any) -> UUID | None:
    """A UUID written as text."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def scrubbed(value: Any) -> str:
    """A provider's sentence, fit for logs and reports: short, its numbers masked, anything like a key removed."""
    if not isinstance(value, str):
        return ""
    hidden = _OPAQUE.sub("…", _LONG_NUMBER.sub(_masked, storable(value)[:READ_LENGTH]))
    return " ".join(hidden.split())[:DETAIL_LENGTH]


def _masked(number: re.Match[str]) -> str:
    return mask(re.sub(r"[^+\d]", "", number[0]))
