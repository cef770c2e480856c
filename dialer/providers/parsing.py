"""Parsing what comes from outside: nothing here raises, and a value of another kind than asked for is None."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dialer.phone import mask

WORD_LENGTH = 120
DETAIL_LENGTH = 200
READ_LENGTH = 2000
BELIEVED_YEARS = range(2000, 2100)
_LONG_NUMBER = re.compile(r"\+?\d(?:[ ().-]?\d){6,}")
_OPAQUE = re.compile(r"(?=[A-Za-z_\-.=+/]*\d)[A-Za-z0-9_\-.=+/]{24,}")


def parsed(body: bytes) -> Any:
    """The body as JSON; None where it is not JSON in UTF-8, or nested beyond reason."""
    try:
        return json.loads(body.decode("utf-8"))
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


def number(value: Any) -> float | None:
    """A finite number, also when written as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed_number = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed_number if math.isfinite(parsed_number) else None


def whole(value: Any) -> int | None:
    """A whole number, also when written as text."""
    finite = number(value)
    return None if finite is None else int(finite)


def uuid_of(value: Any) -> UUID | None:
    """A UUID written as text."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def instant(value: Any) -> datetime | None:
    """An ISO 8601 moment as aware UTC; without a zone it is taken for UTC; a year outside BELIEVED_YEARS gives None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in BELIEVED_YEARS else None


def scrubbed(value: Any) -> str:
    """A provider's sentence, fit for logs and reports: short, its numbers masked, anything like a key removed."""
    if not isinstance(value, str):
        return ""
    hidden = _OPAQUE.sub("…", _LONG_NUMBER.sub(_masked, storable(value)[:READ_LENGTH]))
    return " ".join(hidden.split())[:DETAIL_LENGTH]


def _masked(number: re.Match[str]) -> str:
    return mask(re.sub(r"[^+\d]", "", number[0]))
