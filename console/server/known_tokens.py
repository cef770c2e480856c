"""Tokens that were looked up a moment ago: a program that asks often is not looked up at each of its requests."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import datetime

from campaigns.ledger.store import Ledger
from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Token

KEPT_SECONDS = 0.5  # after which a token that was revoked elsewhere is good for nothing here, too
MOST_KEPT = 1000


class KnownTokens:
    """Keeps tokens by hashes of their secrets. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[bytes, tuple[float, datetime, Token]] = {}
        self._lock = threading.Lock()

    def recent(self, secret: str, now: datetime) -> Token | None:
        """The token with this secret, if it held a moment ago and has not ended since; None: look it up."""
        looked_up_at, then, token = self._kept.get(_key(secret), (0.0, now, None))
        is_recent = self._clock() - looked_up_at <= KEPT_SECONDS and abs(now - then).total_seconds() <= KEPT_SECONDS
        return token if token is not None and is_recent and token.holds(now) else None

    def look_up(self, ledger: Ledger, secret: str, now: datetime) -> Token | None:
        """The token with this secret, if it holds, as the ledger has it."""
        looked_up_at = self._clock()
        token = api_tokens.token_of(ledger, secret, now)
        with self._lock:
            self._kept.pop(_key(secret), None)
            if token is not None:
                self._kept[_key(secret)] = looked_up_at, now, token
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return token

    def forget(self) -> None:
        """Look every token up again: one was revoked here."""
        with self._lock:
            self._kept.clear()


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
