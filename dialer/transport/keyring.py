"""The session key of an account: obtained by a login when needed, renewed once for all waiting requests, logged out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from anyio import to_thread

from dialer.http import HttpReply, HttpRequest
from dialer.providers.provider import Login, LogsIn, Provider
from dialer.transport.shared_logins import LoginsUnavailable, SharedLogins
from dialer.verdicts import Ruling, Verdict

Clock = Callable[[], datetime]
Send = Callable[[Callable[[], HttpRequest | None], Callable[[HttpReply], Ruling]], Awaitable[Ruling]]
LOGOUT_TIMEOUT = 3.0  # a process that ends does not wait longer for this
LOGGED_IN = Ruling(verdict=Verdict.PLACED)


class Keyring:
    """The key of one session; the provider object holds it. `send` sends a request and always returns a ruling.

    With `logins` the key is shared with the account's other processes, and the last process to use it logs out. A key
    that is not shared is logged out by its own process. `renewals` counts the logins tried.
    """

    def __init__(self, provider: Provider, send: Send, logins: SharedLogins | None) -> None:
        self._provider = provider
        self._send = send
        self._shared = logins
        self._joined: Login | None = None
        self._lock = asyncio.Lock()
        self._refused: Ruling | None = None
        self.renewals = 0

    async def ensure_login(self, now: Clock) -> Ruling | None:
        """Log in if needed, once for all waiting requests. None when the key is good, else the ruling on the login."""
        if self._provider.logging_in(now()) is None:
            return None
        renewals = self.renewals
        async with self._lock:
            if self.renewals != renewals and self._refused:
                return self._refused
            if self._provider.logging_in(now()) is None:
                return None
            ruling = await (self._log_in_for_all(self._shared, now) if self._shared else self._log_in(now))
            self.renewals += 1
            self._refused = None if ruling.verdict is Verdict.PLACED else halt_if_login_refused(ruling)
            return self._refused

    def forget_refused_key(self, renewals: int) -> bool:
        """Discard a refused key, unless it was renewed since `renewals` was read. False when it cannot be renewed."""
        return self.renewals != renewals or self._provider.forget_login()

    async def log_out(self) -> None:
        """Log out, unless other processes still use the key. Failures are ignored: the key expires by itself."""
        provider, shared = self._provider, self._shared
        if not isinstance(provider, LogsIn) or (login := provider.login()) is None:
            return
        last = shared is None or self._joined is None or await to_thread.run_sync(shared.leave)
        if not last and login == self._joined:
            return
        request = provider.logging_out()
        provider.forget_login()
        try:
            async with asyncio.timeout(LOGOUT_TIMEOUT):
                await self._send(lambda: request, lambda reply: LOGGED_IN)
        except TimeoutError:
            return

    async def _log_in(self, now: Clock) -> Ruling:
        return await self._send(partial(self._provider.logging_in, now()), self._provider.read_login)

    async def _log_in_for_all(self, shared: SharedLogins, now: Clock) -> Ruling:
        """Use the key that another process obtained, or log in for all; for this process alone without Redis."""
        provider = self._provider
        if not isinstance(provider, LogsIn):
            return await self._log_in(now)
        try:
            lock = await to_thread.run_sync(shared.lock)
        except LoginsUnavailable:
            return await self._log_in(now)
        try:
            return await self._adopt_or_log_in(provider, shared, now)
        finally:
            await to_thread.run_sync(shared.unlock, lock)

    async def _adopt_or_log_in(self, provider: LogsIn, shared: SharedLogins, now: Clock) -> Ruling:
        ruling = LOGGED_IN
        try:
            stored = await to_thread.run_sync(shared.read)
        except LoginsUnavailable:
            return await self._log_in(now)
        fresh = stored is None or not provider.adopt(stored, now())
        if fresh:
            ruling = await self._log_in(now)
        if login := provider.login():
            try:
                if fresh:
                    await to_thread.run_sync(shared.store, login)
                await to_thread.run_sync(shared.join, login)
                self._joined = login
            except LoginsUnavailable:
                self._joined = None  # no other process knows this key
        return ruling


def halt_if_login_refused(ruling: Ruling) -> Ruling:
    """The ruling, with LOGIN_AGAIN turned into HALT_ACCOUNT: a new login did not help, or none is possible."""
    return replace(ruling, verdict=Verdict.HALT_ACCOUNT) if ruling.verdict is Verdict.LOGIN_AGAIN else ruling
