"""A session's key: got by a login when it is needed, renewed once for all who wait for it, given back at the end."""

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
Ask = Callable[[Callable[[], HttpRequest | None], Callable[[HttpReply], Ruling]], Awaitable[Ruling]]
LOGOUT_SECONDS = 3.0  # a process that ends does not wait longer for this
LOGGED_IN = Ruling(verdict=Verdict.PLACED)


class Keyring:
    """The key of one session. `ask` carries a request and answers with a ruling, whatever goes wrong.

    With `logins` the key is shared with the account's other processes; the last of them, or whoever has one for itself,
    logs out.
    """

    def __init__(self, provider: Provider, ask: Ask, logins: SharedLogins | None) -> None:
        self._provider = provider
        self._ask = ask
        self._shared = logins
        self._joined: Login | None = None
        self._lock = asyncio.Lock()
        self._refused: Ruling | None = None
        self.renewals = 0

    async def ready(self, now: Clock) -> Ruling | None:
        """Log in where needed, once for all who wait for it; the ruling when that failed."""
        if self._provider.logging_in(now()) is None:
            return None
        seen = self.renewals
        async with self._lock:
            if self.renewals != seen and self._refused:
                return self._refused
            if self._provider.logging_in(now()) is None:
                return None
            ruling = await (self._log_in_for_all(self._shared, now) if self._shared else self._log_in(now))
            self.renewals += 1
            self._refused = None if ruling.verdict is Verdict.PLACED else halt_if_login_refused(ruling)
            return self._refused

    def forget(self, renewals: int) -> bool:
        """Forget the refused key, unless somebody has renewed it meanwhile. False when there is nothing to renew."""
        return self.renewals != renewals or self._provider.forget_login()

    async def give_back(self) -> None:
        """Log out, unless others go on using the key. What goes wrong here is let be: the key ends anyway."""
        provider, shared = self._provider, self._shared
        if not isinstance(provider, LogsIn) or (login := provider.login()) is None:
            return
        last = shared is None or self._joined is None or await to_thread.run_sync(shared.leave)
        if not last and login == self._joined:
            return
        request = provider.logging_out()
        provider.forget_login()
        try:
            async with asyncio.timeout(LOGOUT_SECONDS):
                await self._ask(lambda: request, lambda reply: LOGGED_IN)
        except TimeoutError:
            return

    async def _log_in(self, now: Clock) -> Ruling:
        return await self._ask(partial(self._provider.logging_in, now()), self._provider.read_login)

    async def _log_in_for_all(self, shared: SharedLogins, now: Clock) -> Ruling:
        """Take the key that another process got, or get one for all; for ourselves alone when Redis is away."""
        provider = self._provider
        if not isinstance(provider, LogsIn):
            return await self._log_in(now)
        try:
            turn = await to_thread.run_sync(shared.take_turn)
        except LoginsUnavailable:
            return await self._log_in(now)
        try:
            return await self._take_or_get(provider, shared, now)
        finally:
            await to_thread.run_sync(shared.end_turn, turn)

    async def _take_or_get(self, provider: LogsIn, shared: SharedLogins, now: Clock) -> Ruling:
        ruling = LOGGED_IN
        try:
            there = await to_thread.run_sync(shared.read)
        except LoginsUnavailable:
            return await self._log_in(now)
        fresh = there is None or not provider.adopt(there, now())
        if fresh:
            ruling = await self._log_in(now)
        if login := provider.login():
            try:
                if fresh:
                    await to_thread.run_sync(shared.keep, login)
                await to_thread.run_sync(shared.join, login)
                self._joined = login
            except LoginsUnavailable:
                self._joined = None  # the key is ours alone
        return ruling


def halt_if_login_refused(ruling: Ruling) -> Ruling:
    """A refused key that has been renewed in vain, or cannot be, is the account's trouble."""
    return replace(ruling, verdict=Verdict.HALT_ACCOUNT) if ruling.verdict is Verdict.LOGIN_AGAIN else ruling
