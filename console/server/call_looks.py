"""Looks at the calls in progress as the accounts' providers list them: one look serves every open page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from dialer.account import Account
from dialer.errors import DialerError, ProviderError
from dialer.live_calls import LiveCall, TalkOption, calls_at, can_manage, remedy_for
from workers.settings import Settings
from workers.wiring import open_accounts

BUSY_SECONDS, IDLE_SECONDS = 1.9, 10.0  # how long a look is good for, where we have calls and where we have none
OPTIONS_SECONDS = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """What a provider has listed, or why its list could not be read; `at` is by the machine's steady clock."""

    items: Sequence[T]
    trouble: str = ""
    at: float = 0.0


class CallLooks:
    """Each look costs its account a point. The accounts are opened when the first page is shown, and kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._calls: dict[str, Look[LiveCall]] = {}
        self._options: dict[str, Look[TalkOption]] = {}
        self._closing = ExitStack()
        self._accounts: Mapping[str, Account] | None = None
        self._opening = threading.Lock()
        self._looking: dict[str, threading.Lock] = {name: threading.Lock() for name in settings.accounts}

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Every account of the settings."""
        with self._opening:
            if self._accounts is None:
                self._accounts = self._closing.enter_context(open_accounts(self._settings))
            return self._accounts

    @property
    def manageable(self) -> list[str]:
        """The accounts whose calls can be listed and managed."""
        return [name for name, account in sorted(self.accounts.items()) if can_manage(account)]

    def calls(self, account: str, *, busy: bool) -> Look[LiveCall]:
        """The account's calls in progress: a look of the last 2 seconds, or 10 where no call of ours is open."""
        return self._look(
            self._calls, account, BUSY_SECONDS if busy else IDLE_SECONDS, lambda one: calls_at(one).list_calls()
        )

    def talk_options(self, account: str) -> Look[TalkOption]:
        """What keys do during a talk; it hardly ever changes."""
        return self._look(self._options, account, OPTIONS_SECONDS, lambda one: calls_at(one).list_talk_options())

    def forget(self, account: str) -> None:
        """Look anew the next time: something was done with a call."""
        self._calls.pop(account, None)

    def close(self) -> None:
        """Give the accounts' connections back."""
        self._closing.close()

    def _look(
        self, looks: dict[str, Look[T]], name: str, good_for: float, ask: Callable[[Account], Iterable[T]]
    ) -> Look[T]:
        account = self.accounts[name]
        with self._looking[name]:
            last = looks.get(name)
            if last is not None and time.monotonic() - last.at < good_for:
                return last
            try:
                items: Sequence[T] = list(ask(account))
                fresh = Look(items, at=time.monotonic())
            except DialerError as exc:
                remedy = remedy_for(account, exc) if isinstance(exc, ProviderError) else exc.remedy
                fresh = Look((), f"{exc.message}{' – ' if remedy else ''}{remedy}", time.monotonic())
            looks[name] = fresh
            return fresh
