"""Lists by pages: a cursor tells where the next page begins, and means nothing to its holder."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import HTTPException, Query
from pydantic import BaseModel, Field

from campaigns.lifecycle import ContactStatus

T = TypeVar("T")
M = TypeVar("M")

MAX_LIMIT = 1000
MAX_ID = 2**63 - 1
NO_CURSOR = "after: this is no cursor of this list"

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at the most.")]
After = Annotated[str | None, Query(max_length=200, description="`next` of the page before; absent, the first page.")]


class Page(BaseModel, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(description="`after` of the following page; null when there is none.")


def page_of(rows: Sequence[M], limit: int, item: Callable[[M], T], key: Callable[[M], Sequence[str | int]]) -> Page[T]:
    """The first `limit` of these rows, of which one more was read to know whether another page follows."""
    shown = rows[:limit]
    return Page(items=[item(row) for row in shown], next=cursor_of(key(shown[-1])) if len(rows) > limit else None)


def id_after(cursor: str | None) -> int | None:
    """The id in a cursor. Refuses (422) what is no cursor of such a list."""
    if cursor is None:
        return None
    (row_id,) = _read(cursor, int)
    return int(row_id)


def moment_and_id_after(cursor: str | None) -> tuple[datetime, str] | None:
    """The moment and the id in a cursor. Refuses (422) what is no cursor of such a list."""
    if cursor is None:
        return None
    moment, row_id = map(str, _read(cursor, str, str))
    at = _moment(moment)
    if not row_id.isprintable():
        raise HTTPException(422, NO_CURSOR)
    return at, row_id


def moment_and_uuid_after(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The moment and the UUID in a cursor. Refuses (422) what is no cursor of such a list."""
    both = moment_and_id_after(cursor)
    try:
        return both and (both[0], UUID(both[1]))
    except ValueError:
        raise HTTPException(422, NO_CURSOR) from None


def moment_and_row_after(cursor: str | None) -> tuple[datetime, int] | None:
    """The moment and the row's id in a cursor. Refuses (422) what is no cursor of such a list."""
    if cursor is None:
        return None
    moment, row_id = _read(cursor, str, int)
    return _moment(str(moment)), int(row_id)


def contact_after(cursor: str | None) -> tuple[ContactStatus, datetime, int] | None:
    """The status, the moment and the id in a cursor. Refuses (422) what is no cursor of such a list."""
    if cursor is None:
        return None
    status, moment, row_id = _read(cursor, str, str, int)
    if status not in set(ContactStatus):
        raise HTTPException(422, NO_CURSOR)
    return ContactStatus(str(status)), _moment(str(moment)), int(row_id)


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise HTTPException(422, NO_CURSOR) from None


def cursor_of(values: Sequence[str | int]) -> str:
    """The cursor for what follows the row that has these values."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def _read(cursor: str, *kinds: type) -> list[str | int]:
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    good = isinstance(values, list) and [type(value) for value in values] == list(kinds)
    if not good or any(value > MAX_ID or value < 0 for value in values if isinstance(value, int)):
        raise HTTPException(422, NO_CURSOR)
    return list(values)
