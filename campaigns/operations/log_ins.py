"""Sessions of people in the console: begun by a log-in in one browser, ended by log-out, time, or an admin."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, insert, or_, select, update

from campaigns.ledger.moves import row_count, write_audit
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.ledger.tables import sessions, users
from campaigns.operations import people
from campaigns.operations.people import User
from dialer.log import get_logger

SECRET_BYTES = 32
USE_NOTED_EVERY = timedelta(minutes=1)
SHOWN_OF_BROWSER = 200  # characters
KEPT_AFTER_END = timedelta(days=1)  # so that it is known who may come back without a word: see `may_renew`

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long a session lasts: unused, and altogether."""

    idle: timedelta
    altogether: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person's session in one browser. `last_seen_at` is right to the minute."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    seen_from: str
    user: User = field(repr=False)


def begin(ledger: Ledger, user: User, *, seen_from: str, lifetime: Lifetime, now: datetime) -> str:
    """Begin a session. Returns its secret, which the browser shows from now on and of which only a hash is kept."""
    secret = secrets.token_urlsafe(SECRET_BYTES)

    def write(db: Connection) -> None:
        db.execute(delete(sessions).where(_is_over(lifetime, now - KEPT_AFTER_END)))
        line = {"secret_hash": _hash(secret), "user_id": user.id, "seen_from": seen_from[:SHOWN_OF_BROWSER]}
        times = {"created_at": now, "last_seen_at": now, "expires_at": now + lifetime.altogether}
        db.execute(insert(sessions).values(**line, **times))
        db.execute(update(users).where(users.c.id == user.id).values(last_log_in_at=now))
        write_audit(db, now, who=user.name, event="logged in", detail=seen_from.partition(",")[0])

    ledger.write(write)
    return secret


def session_of(
    ledger: Ledger,
    secret: str,
    *,
    lifetime: Lifetime,
    now: datetime,
    by_hand: bool = True,
    grace: timedelta = timedelta(0),
) -> Session | None:
    """The session with this secret, while it lasts and its user is not disabled; its use is noted once a minute.

    What is not done by hand, as an open page that refreshes itself, is no use. Whoever has logged in elsewhere has so
    much `grace` for what they were about to send.
    """
    lasts = or_(~_is_over(lifetime, now), and_(users.c.identity.is_not(None), ~_is_over(lifetime, now - grace)))
    with ledger.reading() as db:
        row = db.execute(_with_user(secret).where(lasts)).first()
    if row is None:
        return None
    if by_hand and row.last_seen_at <= now - USE_NOTED_EVERY:
        _note_use(ledger, row.id, now)
    return _session(row)


def may_renew(ledger: Ledger, secret: str, *, lifetime: Lifetime, now: datetime) -> bool:
    """Whether a session was in use until its end, and its person has logged in elsewhere: they are asked there again.

    Not after log-out, nor where an admin has ended it.
    """
    in_use = sessions.c.last_seen_at > now - lifetime.idle
    with ledger.reading() as db:
        ended = _with_user(secret).where(in_use, sessions.c.expires_at <= now, users.c.identity.is_not(None))
        return db.execute(ended).first() is not None


def _with_user(secret: str) -> Select[Any]:
    """The session with this secret, of a user who is not disabled."""
    query = select(sessions, *_columns_of_user()).join(users)
    return query.where(sessions.c.secret_hash == _hash(secret), users.c.disabled_at.is_(None))


def of_user(ledger: Ledger, name: str, *, lifetime: Lifetime, now: datetime) -> list[Session]:
    """A user's sessions that last, the newest first. Raises NoSuchUser."""
    user = people.named(ledger, name)
    query = select(sessions, *_columns_of_user()).join(users).where(users.c.id == user.id, ~_is_over(lifetime, now))
    with ledger.reading() as db:
        return [_session(row) for row in db.execute(query.order_by(sessions.c.id.desc()))]


def end(ledger: Ledger, secret: str, *, who: str, now: datetime) -> None:
    """End a session, as its person asks; nothing happens where it is over."""

    def write(db: Connection) -> None:
        if row_count(db, delete(sessions).where(sessions.c.secret_hash == _hash(secret))):
            write_audit(db, now, who=who, event="logged out")

    ledger.write(write)


def end_all(
    ledger: Ledger, name: str, *, only: int | None = None, but: int | None = None, who: str, now: datetime
) -> int:
    """End a user's sessions: all, `only` this one, or all `but` this one. Returns how many. Raises NoSuchUser."""
    user = people.named(ledger, name)
    ended = sessions.c.user_id == user.id
    if only is not None:
        ended = and_(ended, sessions.c.id == only)
    if but is not None:
        ended = and_(ended, sessions.c.id != but)

    def write(db: Connection) -> int:
        count = row_count(db, delete(sessions).where(ended))
        if count:
            write_audit(db, now, who=who, event="sessions ended", detail=f"{user.name}: {count}")
        return count

    return ledger.write(write)


def _columns_of_user() -> list[ColumnElement[object]]:
    return [column.label(f"person_{name}") for name, column in users.c.items() if name in User.__dataclass_fields__]


def _session(row: object) -> Session:
    names = [name for name in Session.__dataclass_fields__ if name != "user"]
    user = people.user_of({name: getattr(row, f"person_{name}") for name in User.__dataclass_fields__})
    return Session(**{name: getattr(row, name) for name in names}, user=user)


def _is_over(lifetime: Lifetime, now: datetime) -> ColumnElement[bool]:
    return or_(sessions.c.expires_at <= now, sessions.c.last_seen_at <= now - lifetime.idle)


def _note_use(ledger: Ledger, session_id: int, now: datetime) -> None:
    try:
        with ledger.writing() as db:
            db.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen_at=now))
    except LedgerUnavailable as exc:  # who only reads is answered all the same
        log.warning("the use of a session was not noted", why=exc.message)


def _hash(secret: str) -> str:
    """SHA-256 will do: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
