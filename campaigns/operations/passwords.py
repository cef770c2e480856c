"""Passwords of people: what one must be like, its hash (argon2id), and whether one is right."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dialer.errors import DialerError

LEAST, MOST = 12, 200  # characters
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html, read on 2026-11-30: its first choice
_hasher = PasswordHasher(time_cost=2, memory_cost=19 << 10, parallelism=1)


class BadPassword(DialerError):
    """This cannot be anybody's password."""


def hash_of(password: str) -> str:
    """A hash to keep of a password, salted: each is another. It takes a fiftieth of a second, on purpose."""
    return _hasher.hash(_normalized(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether this is the password of that hash; as slow where there is no hash."""
    try:
        return _hasher.verify(kept or _hash_of_nobody(), _normalized(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def check_new(password: str, name: str) -> None:
    """Raises BadPassword for one that could be guessed, or that no form would take."""
    if len(password) < LEAST:
        raise BadPassword(f"the password has fewer than {LEAST} characters", "several words make a good one")
    if len(password) > MOST:
        raise BadPassword(f"the password has more than {MOST} characters", "choose a shorter one")
    if not password.isprintable():
        raise BadPassword("the password holds characters that cannot be typed", "choose one without them")
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise BadPassword("the password could be guessed", "several words make a good one")


def generated() -> str:
    """A random password that can be typed."""
    return secrets.token_urlsafe(18)


def _normalized(password: str) -> str:
    """Browsers and terminals compose letters in different ways."""
    return unicodedata.normalize("NFC", password)


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())
