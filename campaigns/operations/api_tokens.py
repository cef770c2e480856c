"""Tokens: what a program shows instead of the password, and what each allows. Only hashes of them are kept."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.ledger.tables import tokens
from dialer.errors import DialerError
from dialer.log import get_logger

PREFIX = "dlr_"
SECRET_BYTES = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
USE_NOTED_EVERY = timedelta(minutes=1)

log = get_logger()


class Scope(StrEnum):
    """What a token may do; none holds another but `admin`."""

    READ = "read"
    METRICS = "metrics"
    CALLS = "calls"
    CAMPAIGNS = "campaigns"
    SEND = "campaigns:send"
    SUPPRESSIONS = "suppressions"
    ADMIN = "admin"
    NUMBERS = "numbers"


MEANINGS: Mapping[Scope, str] = {
    Scope.READ: "see campaigns, contacts, attempts, reports, accounts and schedules",
    Scope.METRICS: "read `/metrics`, and nothing else",
    Scope.CALLS: "place single calls, and manage calls in progress",
    Scope.CAMPAIGNS: "create, check, plan, pause, cancel and clone campaigns; change their contacts",
    Scope.SEND: "start, resume and redial campaigns, launch them again and again, call test numbers",
    Scope.SUPPRESSIONS: "see and change the suppression list",
    Scope.ADMIN: "everything that the other scopes allow but `numbers`; tokens, and the audit",
    Scope.NUMBERS: "see phone numbers in full, wherever another scope shows them masked",
}


class BadToken(DialerError):
    """A token cannot be created so: its name, its scopes or its end."""


class TokenNameTaken(DialerError):
    """Another token has this name, or had it."""


class NoSuchToken(DialerError):
    """No token has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token without its secret. `last_used_at` is right to the minute."""

    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether it is good for anything: neither revoked nor past its end."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def create(
    ledger: Ledger, name: str, scopes: Iterable[str], *, expires_at: datetime | None = None, who: str, now: datetime
) -> tuple[Token, str]:
    """A new token, and its secret, which is shown now and never again. Raises BadToken, TokenNameTaken."""
    allowed = _scopes(scopes)
    if not NAME.fullmatch(name):
        raise BadToken("this cannot be a token's name", "up to 60 letters, digits, dots, dashes and underscores")
    if expires_at is not None and expires_at <= now:
        raise BadToken("its end has passed", "name a later moment, or none")
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    line = {"name": name, "secret_hash": _hash(secret), "scopes": [*allowed], "expires_at": expires_at}
    try:
        with ledger.writing() as db:
            db.execute(insert(tokens).values(**line, created_at=now, created_by=who))
            write_audit(db, now, who=who, event="token created", detail=f"{name}: {', '.join(allowed)}")
    except IntegrityError:
        raise TokenNameTaken(f"there is a token {name} already", "choose another name: the audit tells by it") from None
    return _named(ledger, name), secret


def listed(ledger: Ledger) -> list[Token]:
    """All tokens, the newest first; those that were revoked or have ended too."""
    with ledger.reading() as db:
        return [_token(row) for row in db.execute(select(tokens).order_by(tokens.c.id.desc()))]


def revoke(ledger: Ledger, name: str, *, who: str, now: datetime) -> Token:
    """Let a token be good for nothing, at every console within half a second. Raises NoSuchToken."""
    _named(ledger, name)
    with ledger.writing() as db:
        live = update(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
        if db.execute(live.returning(tokens.c.id)).first():
            write_audit(db, now, who=who, event="token revoked", detail=name)
    return _named(ledger, name)


def token_of(ledger: Ledger, secret: str, now: datetime) -> Token | None:
    """The token with this secret, if it holds; its use is noted once a minute."""
    with ledger.reading() as db:
        row = db.execute(select(tokens).where(tokens.c.secret_hash == _hash(secret))).first()
    token = _token(row) if row else None
    if token is None or not token.holds(now):
        return None
    if token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY:
        _note_use(ledger, token.name, now)
    return token


def _note_use(ledger: Ledger, name: str, now: datetime) -> None:
    long_ago = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= now - USE_NOTED_EVERY)
    try:
        with ledger.writing() as db:
            db.execute(update(tokens).where(tokens.c.name == name, long_ago).values(last_used_at=now))
    except LedgerUnavailable as exc:  # who only reads is answered all the same
        log.warning("the use of a token was not noted", token=name, why=exc.message)


def _named(ledger: Ledger, name: str) -> Token:
    with ledger.reading() as db:
        row = db.execute(select(tokens).where(tokens.c.name == name)).first() if NAME.fullmatch(name) else None
    if row is None:
        raise NoSuchToken("no token has this name", "see them with: dialer tokens list")
    return _token(row)


def _scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of these names, each once, in the order of Scope."""
    names = set(names)
    if strange := sorted(names - set(Scope)):
        raise BadToken(f"there is no scope {', '.join(strange)[:60]}", f"choose from {', '.join(Scope)}")
    if not names - {Scope.NUMBERS}:
        raise BadToken("a token needs a scope, and numbers alone allows nothing", f"choose from {', '.join(Scope)}")
    return tuple(scope for scope in Scope if scope in names)


def _token(row: Row[tuple[object, ...]]) -> Token:
    facts = {name: getattr(row, name) for name in Token.__dataclass_fields__}
    return Token(**facts | {"scopes": tuple(Scope(name) for name in facts["scopes"] if name in set(Scope))})


def _hash(secret: str) -> str:
    """SHA-256 will do: nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
