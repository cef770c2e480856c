"""Tokens that were looked up a moment ago: a program that asks often is not looked up at each of its requests."""

from __future__ import annotations

import hashlib
from datetime import datetime

from campaigns.ledger.store import Ledger
from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Token
from dialer.recent import Recent

KEPT_SECONDS = 0.4  # half a second at the most: then a token that was revoked elsewhere is good for nothing here, too
MOST_KEPT = 1000


class KnownTokens:
    """Keeps tokens by hashes of their secrets. Safe to use from many threads."""

    def __init__(self) -> None:
        self._recent = Recent[bytes, tuple[datetime, Token]](KEPT_SECONDS, most=MOST_KEPT)

    def recent(self, secret: str, now: datetime) -> Token | None:
        """The token with this secret, if it held a moment ago and has not ended since; None: look it up."""
        kept = self._recent.get(_key(secret))
        if kept is None:
            return None
        looked_up_at, token = kept
        return token if abs(now - looked_up_at).total_seconds() <= 1 and token.holds(now) else None

    def look_up(self, ledger: Ledger, secret: str, now: datetime) -> Token | None:
        """The token with this secret, if it holds, as the ledger has it."""
        began = self._recent.now()
        token = api_tokens.token_of(ledger, secret, now)
        if token is not None:
            self._recent.keep(_key(secret), (now, token), began)
        return token

    def forget(self) -> None:
        """Look every token up again: one was revoked here."""
        self._recent.forget()


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
