"""CallGear accounts and the tokens that open them."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from dialer.sandbox.callgear.config import CallGearConfig
from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.callgear.points import Points
from dialer.sandbox.log import PlacedCall

LOGIN, PASSWORD = "sandbox", "sandbox"
PERMANENT_KEY = re.compile(r"sandbox-key(?:-([a-z0-9]{1,20}))?")
DOCUMENT_KEY = "2fRN4g217ca0b4224a67988aff3e584f91964a692045415f36fa66146f5a3c1ae1f6093d"
"""The key that stands in every example of the vendor's document; it opens the account `document`."""

DOCUMENT = "document"
LOGINS = {(LOGIN, PASSWORD): "sandbox", ("your_login", "your_password"): DOCUMENT}
"""The accounts of logins; the second stands in the vendor's document."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its name, its points, the numbers it has blocked, and calls that its list still has to show."""

    name: str
    points: Points
    blacklist: set[str] = field(default_factory=set)
    to_show: dict[str, PlacedCall] = field(default_factory=dict)


@dataclass(slots=True)
class Accounts:
    """`sandbox-key` opens the account `sandbox`, `sandbox-key-<name>` one called so with points of its own."""

    offset: float
    _accounts: dict[str, Account] = field(default_factory=dict)
    _sessions: dict[str, tuple[float, str]] = field(default_factory=dict)

    def open(self, token: str, config: CallGearConfig, now: float) -> Account:
        """The account that a token opens. Raises Refusal where it opens none."""
        if token in config.blocked_tokens:
            raise Refusal("access_token_blocked", "access_token", token)
        if token in config.expired_tokens:
            raise Refusal("access_token_expired", "access_token", token)
        if token == DOCUMENT_KEY:
            return self.named(DOCUMENT)
        if token in config.forbidden_tokens:
            return self.named("forbidden")
        end, name = self._sessions.get(token, (now, ""))
        if end > now:
            return self.named(name)
        if permanent := PERMANENT_KEY.fullmatch(token):
            return self.named(permanent[1] or "sandbox")
        raise Refusal("access_token_invalid", "access_token", token)

    def by_login(self, login: str, password: str) -> Account:
        """The account of a login. Raises Refusal for a wrong login or password."""
        name = LOGINS.get((login, password))
        if name is None:
            raise Refusal("auth_error")
        return self.named(name)

    def log_in(self, account: Account, now: float, seconds: float) -> tuple[str, float]:
        """A fresh session's token, and the moment it ends, so many seconds from now."""
        self._sessions = {token: session for token, session in self._sessions.items() if session[0] > now}
        token, end = secrets.token_hex(36), now + seconds
        self._sessions[token] = (end, account.name)
        return token, end

    def log_out(self, token: str) -> None:
        """End a session; a permanent key stays what it is."""
        self._sessions.pop(token, None)

    def named(self, name: str) -> Account:
        """The account of this name."""
        if name not in self._accounts:
            self._accounts[name] = Account(name, Points(self.offset))
        return self._accounts[name]
