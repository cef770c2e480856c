"""A login shared by all processes of an account: its key lies encrypted in Redis, and one of them renews it for all.

The key of the encryption is made of the account's own password, which every worker has and Redis has not. Redis is a
convenience here: without it each process logs in for itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import uuid4

import redis
from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from redis.lock import Lock

from dialer.errors import DialerError
from dialer.providers.provider import Login

LOCK_SECONDS = 60.0  # longer than a login may take; a process that died holding the lock costs the others this
PATIENCE_SECONDS = 30.0
LONGEST_LIFE = 24 * 3600.0  # of a login that does not say when it ends


class LoginsUnavailable(DialerError):
    """The shared logins cannot be asked for now."""


@dataclass(slots=True)
class SharedLogins:
    """One account's login in Redis, under one hash tag, for one process (`me`). Blocking: call it from a thread."""

    server: redis.Redis
    account: str
    secret: SecretStr = field(repr=False)
    me: str = field(default_factory=lambda: uuid4().hex)

    def take_turn(self) -> Lock:
        """Nobody else logs in or out until `end_turn`. Raises LoginsUnavailable when no turn is to be had."""
        lock = Lock(self.server, self._key("lock"), timeout=LOCK_SECONDS, thread_local=False)
        with self._asked():
            if lock.acquire(blocking_timeout=PATIENCE_SECONDS):
                return lock
        raise LoginsUnavailable(f"account {self.account}: another process has been logging in for long")

    def end_turn(self, lock: Lock) -> None:
        """Let the next one in."""
        with suppress(redis.RedisError):  # it lapses by itself
            lock.release()

    def read(self) -> Login | None:
        """The login that is there; None where there is none, or one made with another password."""
        with self._asked():
            sealed = self.server.get(self._key("login"))
        try:
            opened = json.loads(self._cipher().decrypt(sealed)) if isinstance(sealed, str | bytes) else None
        except (InvalidToken, ValueError):
            return None
        return opened and Login(
            token=SecretStr(opened["token"]), renew_at=opened["renew_at"], ends_at=opened["ends_at"]
        )

    def keep(self, login: Login) -> None:
        """Give a fresh login to all; it goes with its end."""
        facts = {"token": login.token.get_secret_value(), "renew_at": login.renew_at, "ends_at": login.ends_at}
        life = LONGEST_LIFE if login.ends_at is None else max(1.0, login.ends_at - time.time())
        with self._asked():
            self.server.set(self._key("login"), self._cipher().encrypt(json.dumps(facts).encode()), px=int(life * 1000))

    def join(self, login: Login) -> None:
        """This process uses the login from now on, until it leaves or the login ends."""
        ends = time.time() + LONGEST_LIFE if login.ends_at is None else login.ends_at
        with self._asked():
            self.server.zadd(self._key("users"), {self.me: ends})
            self.server.pexpireat(self._key("users"), int((ends + LONGEST_LIFE) * 1000))

    def leave(self) -> bool:
        """This process is done with the login. True when it was the last of those known, and the login is taken away.

        Where that cannot be told it is False: nobody else may be logged out by it.
        """
        users = self._key("users")
        with suppress(redis.RedisError):
            known = self.server.zrem(users, self.me)
            self.server.zremrangebyscore(users, "-inf", time.time())
            if known and not self.server.zcard(users):
                self.server.delete(self._key("login"))
                return True
        return False

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as exc:
            raise LoginsUnavailable(f"account {self.account}: {type(exc).__name__}") from None

    def _key(self, what: str) -> str:
        return f"dialer:{{{self.account}}}:{what}"

    def _cipher(self) -> Fernet:
        secret = self.secret.get_secret_value().encode()
        salt = f"dialer login of {self.account}".encode()
        return Fernet(base64.urlsafe_b64encode(hashlib.scrypt(secret, salt=salt, n=2**12, r=8, p=1, dklen=32)))
