"""Whether a name and a password are a user's. Right ones are remembered: a program shows them at every request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict

from campaigns.ledger.store import Ledger
from campaigns.operations import passwords, people
from campaigns.operations.people import User

PAIRS_KEPT = 256


class PasswordCheck:
    """Compares passwords with the ledger's. Safe to use from several threads.

    The user is read at every check: one who is disabled, or has another password, is refused from the next one on. Of
    right passwords only keyed hashes are kept, in this process alone.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def user(self, ledger: Ledger, name: str, password: str) -> User | None:
        """The user, unless disabled, if the password is right; a wrong name takes as long as a wrong password."""
        user = people.find(ledger, name)
        kept = user.password_hash if user else None
        if not self._is_known(password, kept):
            if not passwords.is_right(password, kept):
                return None
            self._remember(password, kept)
        return user if user and user.disabled_at is None else None

    def _is_known(self, password: str, kept: str | None) -> bool:
        return kept is not None and self._hash(password, kept) in self._right

    def _remember(self, password: str, kept: str | None) -> None:
        with self._lock:
            self._right[self._hash(password, kept)] = None
            if len(self._right) > PAIRS_KEPT:
                self._right.popitem(last=False)

    def _hash(self, password: str, kept: str | None) -> bytes:
        return hmac.digest(self._key, f"{kept}\0{password}".encode("utf-8", "replace"), hashlib.sha256)


def basic_credentials(header: str) -> tuple[str, str]:
    """Name and password of an Authorization header (HTTP Basic); both blank in any other."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password
