"""Idempotency keys: a request that a program sends again within a day has the same answer, and does nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Delete, Select, bindparam, delete, insert, select

from campaigns.ledger.moves import row_count
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import UtcTime, idempotency_keys
from dialer.errors import DialerError

KEPT = timedelta(hours=24)
ProgramKey = tuple[str, str]
"""A program, and a key that it has chosen: two programs may choose the same."""


class KeptAnswer(NamedTuple):
    """What a key was used for: a hash of the request, its contact, and what it was answered with, if that was kept."""

    request: str
    contact_id: int
    answer: Mapping[str, str] | None


class KeyReused(DialerError):
    """An idempotency key was sent with another request within a day: nothing was done for this one."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the idempotency key {key[:60]!r} was used for another request", "give each request a key of its own"
        )


def kept_requests(db: Connection, names: Sequence[ProgramKey], now: datetime) -> Mapping[ProgramKey, KeptAnswer]:
    """What each of these keys was used for within a day."""
    facts = {"programs": [who for who, _ in names], "keys": [key for _, key in names], "since": now - KEPT}
    rows = db.execute(_used(), facts) if names else ()
    return {(row.who, row.key): KeptAnswer(row.request, row.contact_id, row.answer) for row in rows}


@cache
def _used() -> Select[Any]:
    """Kept, for to build it takes longer than to run it."""
    since = bindparam("since", type_=UtcTime())
    return select(idempotency_keys).where(
        idempotency_keys.c.who.in_(bindparam("programs", expanding=True)),
        idempotency_keys.c.key.in_(bindparam("keys", expanding=True)),
        idempotency_keys.c.at > since,
    )


def keep_requests(db: Connection, requests: Mapping[ProgramKey, KeptAnswer], now: datetime) -> None:
    """Keep what keys are used for.

    Another transaction that does the same at once fails, and is tried again.
    """
    if not requests:
        return
    names = {"programs": [who for who, _ in requests], "keys": [key for _, key in requests]}
    db.execute(_outdated(), names | {"until": now - KEPT})
    rows = [{"who": who, "key": key, "at": now, **kept._asdict()} for (who, key), kept in requests.items()]
    db.execute(insert(idempotency_keys), rows)


@cache
def _outdated() -> Delete:
    until = bindparam("until", type_=UtcTime())
    return delete(idempotency_keys).where(
        idempotency_keys.c.who.in_(bindparam("programs", expanding=True)),
        idempotency_keys.c.key.in_(bindparam("keys", expanding=True)),
        idempotency_keys.c.at <= until,
    )


def forget_keys(ledger: Ledger, now: datetime) -> int:
    """Forget the requests that are older than a day; returns how many."""
    old = idempotency_keys.c.at <= now - KEPT
    with ledger.reading() as db:
        if db.execute(select(idempotency_keys.c.key).where(old).limit(1)).first() is None:
            return 0
    return ledger.write(row_count, delete(idempotency_keys).where(old))
