"""One login shared by all processes of an account: its session key is stored encrypted in Redis.

One process renews it for all. The encryption key is derived from the account's password, which every worker has and
Redis has not. Redis is optional here: without it each process logs in for itself.
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

LOCK_SECONDS = 60.0  # longer than a login may take; after a process died with the lock, the others wait this long
LOCK_WAIT_SECONDS = 30.0
MAX_LIFETIME = 24 * 3600.0  # seconds, of a login with no known end


class LoginsUnavailable(DialerError):
    """Redis does not answer, or another process has held the lock for too long."""


@dataclass(slots=True)
class SharedLogins:
    """One account's login in Redis, as seen by one process, which is identified by `process_id`.

    Its methods block, so an event loop calls them on a thread. They raise LoginsUnavailable, except `unlock`, `leave`.
    """

    server: redis.Redis
    account: str
    secret: SecretStr = field(repr=False)
    process_id: str = field(default_factory=lambda: uuid4().hex)

    def lock(self) -> Lock:
        """Keep other processes from logging in or out until `unlock`. Waits up to 30 s for the lock."""
        lock = Lock(self.server, self._key("lock"), timeout=LOCK_SECONDS, thread_local=False)
        with self._redis_errors():
            if lock.acquire(blocking_timeout=LOCK_WAIT_SECONDS):
                return lock
        raise LoginsUnavailable(f"account {self.account}: another process has been logging in for long")

    def unlock(self, lock: Lock) -> None:
        """Release the lock."""
        with suppress(redis.RedisError):  # the lock expires by itself
            lock.release()

    def read(self) -> Login | None:
        """The stored login; None if there is none, or it was stored under another password."""
        with self._redis_errors():
            encrypted = self.server.get(self._key("login"))
        try:
            fields = json.loads(self._cipher().decrypt(encrypted)) if isinstance(encrypted, str | bytes) else None
        except (InvalidToken, ValueError):
            return None
        return fields and Login(
            token=SecretStr(fields["token"]), renew_at=fields["renew_at"], ends_at=fields["ends_at"]
        )

    def store(self, login: Login) -> None:
        """Store a new login for all processes, until it ends."""
        fields = {"token": login.token.get_secret_value(), "renew_at": login.renew_at, "ends_at": login.ends_at}
        lifetime = MAX_LIFETIME if login.ends_at is None else max(1.0, login.ends_at - time.time())
        with self._redis_errors():
            self.server.set(
                self._key("login"), self._cipher().encrypt(json.dumps(fields).encode()), px=int(lifetime * 1000)
            )

    def join(self, login: Login) -> None:
        """Record that this process uses the login, until it leaves or the login ends."""
        ends = time.time() + MAX_LIFETIME if login.ends_at is None else login.ends_at
        with self._redis_errors():
            self.server.zadd(self._key("users"), {self.process_id: ends})
            self.server.pexpireat(self._key("users"), int((ends + MAX_LIFETIME) * 1000))

    def leave(self) -> bool:
        """Record that this process has stopped using the login. True when no other process uses it any more.

        The login is then removed, and the caller should log out. False when Redis does not answer: then other processes
        may still use the login.
        """
        users = self._key("users")
        with suppress(redis.RedisError):
            was_user = self.server.zrem(users, self.process_id)
            self.server.zremrangebyscore(users, "-inf", time.time())
            if was_user and not self.server.zcard(users):
                self.server.delete(self._key("login"))
                return True
        return False

    @contextmanager
    def _redis_errors(self) -> Iterator[None]:
        """Raise LoginsUnavailable instead of the Redis client's errors."""
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
