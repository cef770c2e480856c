"""Who asks Flower: an admin of the console, by the console's session or by name and password."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from prometheus_client import REGISTRY
from tornado.ioloop import IOLoop
from tornado.web import HTTPError

from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.operations import log_ins
from campaigns.operations.people import Role, User
from dialer.errors import DialerError
from dialer.log import get_logger
from workers.ledger import open_ledger
from workers.password_check import PasswordCheck, basic_credentials
from workers.password_guard import PasswordGuard
from workers.session_cookie import NAME, SECURE_NAME, lifetime
from workers.settings import Settings, load

COOKIES = (SECURE_NAME, NAME)  # the first is what browsers keep over HTTPS

log = get_logger()


class TooManyWrong(Exception):
    """So many passwords were wrong that the next is looked at in so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def by_session(cookie: str) -> str | None:
    """The name of the admin whose session this is; None where it is none. Raises HTTPError for another person."""
    now, lifetimes = datetime.now(UTC), lifetime(_settings())
    session = log_ins.session_of(_ledger(), cookie, lifetime=lifetimes, now=now, by_hand=False)
    return _admin(session.user) if session else None


def by_password(header: str, address: str) -> str:
    """The name of the admin in this header, sent from this address. Raises HTTPError, TooManyWrong."""
    name, password = basic_credentials(header)
    now = datetime.now(UTC)
    if seconds := _guard().seconds_to_wait(address, now, name):
        _audit(now)
        raise TooManyWrong(seconds)
    known = name and password and _settings().console.local_log_in
    user = _passwords().user(_ledger(), name, password) if known else None
    if user is None:
        _guard().count_wrong(address, now, name)
        _audit(now)
        raise HTTPError(401)
    _guard().remember_right(address)
    return _admin(user)


def _admin(user: User) -> str:
    if not user.may(Role.ADMIN):
        raise HTTPError(403, f"Flower is for admins: {user.name} has {', '.join(user.roles)}")
    return user.name


@cache
def _settings() -> Settings:
    return load()


@cache
def _ledger() -> Ledger:
    try:
        return open_ledger(_settings())
    except DialerError as exc:
        raise HTTPError(503, exc.message) from None


@cache
def _passwords() -> PasswordCheck:
    return PasswordCheck()


@cache
def _guard() -> PasswordGuard:
    return PasswordGuard(REGISTRY)


def _audit(now: datetime) -> None:
    if summary := _guard().audit.take_summary(now):
        IOLoop.current().run_in_executor(None, _write_audit, summary, now)


def _write_audit(summary: str, now: datetime) -> None:
    try:
        _ledger().write(write_audit, now, who="flower", event="wrong passwords", detail=summary)
    except Exception as exc:
        log.warning("counts are not in the audit", what="wrong passwords", error=type(exc).__name__, counts=summary)
