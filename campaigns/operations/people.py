"""The people who use the console: their names, roles and passwords, and who of them may still come in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import sessions, users
from campaigns.operations import passwords
from dialer.errors import DialerError

NAME = re.compile(r"[^\W_][\w.@+'-]{0,99}")  # no colon: `curl -u NAME:PASSWORD` could not carry it


class Role(StrEnum):
    """What somebody may do in the console. A person may have several; each of them may look at every page."""

    VIEWER = "viewer"  # look, and nothing else
    EDITOR = "editor"  # prepare, check, plan and rehearse campaigns; withdraw and suppress contacts
    SENDER = "sender"  # start, resume, pause, cancel, redial; test calls; what can be done with a call on the line
    ADMIN = "admin"  # all of it, and people, accounts, tokens, webhooks, erasure, retention


MEANINGS: Mapping[Role, str] = {
    Role.VIEWER: "look at everything, and change nothing",
    Role.EDITOR: "prepare, check, plan and rehearse campaigns; withdraw and suppress contacts",
    Role.SENDER: "start, pause, resume, cancel and redial campaigns; test calls and calls on the line",
    Role.ADMIN: "all of that, and people, accounts, tokens, webhooks and erasure",
}


def allows(roles: Collection[Role], wanted: Role) -> bool:
    """Whether these roles allow what `wanted` does: every role may look, and `admin` may do everything."""
    return wanted in roles or Role.ADMIN in roles or (wanted is Role.VIEWER and bool(roles))


class BadUser(DialerError):
    """A user cannot have this name, or these roles."""


class UserNameTaken(DialerError):
    """Another user has this name."""


class NoSuchUser(DialerError):
    """No user has this name."""


class LastAdmin(DialerError):
    """Nobody would be left who may let people in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may use the console, unless disabled."""

    id: int = field(repr=False)
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    last_log_in_at: datetime | None
    password_hash: str | None = field(repr=False)  # None: logs in elsewhere
    identity: str | None = field(repr=False)

    def may(self, role: Role) -> bool:
        """Whether this person may do what a role allows: every role may look, and `admin` may do everything."""
        return allows(self.roles, role)


def add(ledger: Ledger, name: str, roles: Iterable[str], password: str, *, who: str, now: datetime) -> User:
    """A new user. Raises BadUser, BadPassword, UserNameTaken."""
    name, allowed = name_of(name), roles_of(roles)
    passwords.check_new(password, name)
    _insert(ledger, name, allowed, passwords.hash_of(password), who=who, now=now)
    return named(ledger, name)


def add_first_admin(ledger: Ledger, name: str, password: str, *, now: datetime) -> bool:
    """Let this admin in where there is no user at all; whether that was so."""
    with ledger.reading() as db:
        if db.execute(select(users.c.id).limit(1)).first():
            return False
    try:
        _insert(ledger, name, (Role.ADMIN,), passwords.hash_of(password), who="first start", now=now)
    except UserNameTaken:  # another process was first
        return False
    return True


def listed(ledger: Ledger) -> list[User]:
    """All users by their names, those who are disabled too."""
    with ledger.reading() as db:
        return [user_of(row._asdict()) for row in db.execute(select(users).order_by(users.c.name))]


def named(ledger: Ledger, name: str) -> User:
    """The user of this name. Raises NoSuchUser."""
    with ledger.reading() as db:
        return _named(db, name)


def find(ledger: Ledger, name: str) -> User | None:
    """The user of this name, who may be disabled."""
    with ledger.reading() as db:
        row = db.execute(select(users).where(users.c.name == _normalized(name))).first()
    return user_of(row._asdict()) if row else None


def set_roles(ledger: Ledger, name: str, roles: Iterable[str], *, who: str, now: datetime) -> User:
    """Give a user these roles instead of those before, from the next request on.

    Raises BadUser, LastAdmin, NoSuchUser.
    """
    allowed = roles_of(roles)

    def change(db: Connection) -> None:
        user = _locked(db, name)
        if user.roles == allowed:
            return
        db.execute(update(users).where(users.c.id == user.id).values(roles=[*allowed]))
        _require_an_admin(db)
        write_audit(db, now, who=who, event="user's roles changed", detail=f"{user.name}: {', '.join(allowed)}")

    ledger.write(change)
    return named(ledger, name)


def set_password(ledger: Ledger, name: str, password: str, *, who: str, now: datetime) -> User:
    """Give a user a new password, and end each of their sessions. Raises BadPassword, NoSuchUser."""
    passwords.check_new(password, _normalized(name))
    kept = passwords.hash_of(password)

    def change(db: Connection) -> None:
        user = _locked(db, name)
        db.execute(update(users).where(users.c.id == user.id).values(password_hash=kept))
        db.execute(delete(sessions).where(sessions.c.user_id == user.id))
        write_audit(db, now, who=who, event="user's password changed", detail=user.name)

    ledger.write(change)
    return named(ledger, name)


def disable(ledger: Ledger, name: str, *, who: str, now: datetime) -> User:
    """Let a user in no more, and end each of their sessions. Raises LastAdmin, NoSuchUser."""

    def change(db: Connection) -> None:
        user = _locked(db, name)
        db.execute(delete(sessions).where(sessions.c.user_id == user.id))
        if user.disabled_at is None:
            db.execute(update(users).where(users.c.id == user.id).values(disabled_at=now))
            _require_an_admin(db)
            write_audit(db, now, who=who, event="user disabled", detail=user.name)

    ledger.write(change)
    return named(ledger, name)


def enable(ledger: Ledger, name: str, *, who: str, now: datetime) -> User:
    """Let a user in again. Raises NoSuchUser."""

    def change(db: Connection) -> None:
        user = _locked(db, name)
        if user.disabled_at is not None:
            db.execute(update(users).where(users.c.id == user.id).values(disabled_at=None))
            write_audit(db, now, who=who, event="user enabled", detail=user.name)

    ledger.write(change)
    return named(ledger, name)


def known_elsewhere(ledger: Ledger, identity: str, name: str, roles: Iterable[str], *, now: datetime) -> User:
    """Whoever has logged in elsewhere, with the roles that they have there now; made at the first time.

    Raises BadUser for a name that is none, and for a user who is disabled here; UserNameTaken for another user's name.
    """
    allowed = roles_of(roles)
    with ledger.reading() as db:
        row = db.execute(select(users).where(users.c.identity == identity)).first()
    if row is None:
        name = name_of(name)
        _insert(ledger, name, allowed, None, who=name, now=now, identity=identity)
        return named(ledger, name)
    user = user_of(row._asdict())
    if user.disabled_at is not None:
        raise BadUser(f"{user.name} may not log in any more", "an admin lets people in again")
    if user.roles != allowed:
        with ledger.writing() as db:
            db.execute(update(users).where(users.c.id == user.id).values(roles=[*allowed]))
            detail = f"{user.name}: {', '.join(allowed)}"
            write_audit(db, now, who=user.name, event="user's roles changed", detail=detail)
    return named(ledger, user.name)


def name_of(text: str) -> str:
    """A name as the ledger has it, in small letters. Raises BadUser."""
    name = _normalized(text)
    if not NAME.fullmatch(name):
        raise BadUser("this cannot be a user's name", "up to 100 letters, digits and . _ @ + ' -, without blanks")
    return name


def roles_of(names: Iterable[str]) -> tuple[Role, ...]:
    """The roles of these names, each once, in the order of Role. Raises BadUser."""
    names = set(names)
    if strange := sorted(names - set(Role)):
        raise BadUser(f"there is no role {', '.join(strange)[:60]}", f"choose from {', '.join(Role)}")
    if not names:
        raise BadUser("a user needs a role", f"choose from {', '.join(Role)}")
    return tuple(role for role in Role if role in names)


def user_of(facts: Mapping[str, Any]) -> User:
    """The user whose columns these are; a role of a later version is none."""
    known = {name: facts[name] for name in User.__dataclass_fields__}
    return User(**known | {"roles": tuple(Role(name) for name in facts["roles"] if name in set(Role))})


def _insert(
    ledger: Ledger,
    name: str,
    roles: tuple[Role, ...],
    password_hash: str | None,
    *,
    who: str,
    now: datetime,
    identity: str | None = None,
) -> None:
    line = {"name": name, "roles": [*roles], "password_hash": password_hash, "identity": identity}
    stamps = {"created_at": now, "created_by": who}
    try:
        with ledger.writing() as db:
            db.execute(insert(users).values(**line, **stamps))
            write_audit(db, now, who=who, event="user added", detail=f"{name}: {', '.join(roles)}")
    except IntegrityError:
        remedy = "choose another name: the audit tells by it; see them with: dialer users list"
        raise UserNameTaken(f"there is a user {name} already", remedy) from None


def _named(db: Connection, name: str, *, lock: bool = False) -> User:
    query = select(users).where(users.c.name == _normalized(name))
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NoSuchUser("no user has this name", "see them with: dialer users list")
    return user_of(row._asdict())


def _locked(db: Connection, name: str) -> User:
    """The user, whom nobody changes meanwhile, nor any other admin."""
    db.execute(select(users.c.id).where(users.c.disabled_at.is_(None)).order_by(users.c.id).with_for_update()).all()
    return _named(db, name, lock=True)


def _require_an_admin(db: Connection) -> None:
    enabled = (user_of(row._asdict()) for row in db.execute(select(users).where(users.c.disabled_at.is_(None))))
    if not any(user.may(Role.ADMIN) for user in enabled):
        remedy = "give the role admin to somebody else first, by `dialer users roles`"
        raise LastAdmin("nobody would be left who may let people in", remedy)


def _normalized(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
