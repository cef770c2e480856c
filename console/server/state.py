"""The desk: what the console's doors share – settings, clock, ledger, secrets, counters."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request
from structlog import get_logger

from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from console.server.receipt_counts import ReceiptCounts
from console.server.receipt_writer import ReceiptWriter
from dialer.providers import provider_for
from workers.secrets import console_password, receipt_secret
from workers.settings import Settings
from workers.wiring import open_buckets, open_ledger

log = get_logger()
RECEIPT_THREADS = 16
NO_SECRET = "0" * 32  # compared with when the account is not ours, so that the answer takes as long


class AppState:
    """One per app. The ledger is opened when it is first needed, and tried again as long as that fails."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.clock = clock
        self.password = console_password(settings)
        self.providers = {name: provider_for(account) for name, account in settings.accounts.items()}
        self.counts = ReceiptCounts()
        self.mailroom = ReceiptWriter(lambda: self.ledger, dict(settings.accounts), clock)
        self.receipt_threads = CapacityLimiter(RECEIPT_THREADS)  # their own: no page can keep a receipt waiting
        self._receipt_secrets = {name: receipt_secret(settings, name) for name in settings.accounts}
        self._closing = ExitStack()
        self.buckets = self._closing.enter_context(open_buckets(settings))
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """The ledger, its tables made or upgraded. Raises LedgerAway, LedgerTooNew."""
        if self._ledger is None:
            with self._lock:
                if self._ledger is None:
                    self._ledger = open_ledger(self.settings)
        return self._ledger

    def expects(self, door: str, account: str, secret: str) -> bool:
        """True when this is where the account's provider is to send what becomes of calls."""
        known = account in self._receipt_secrets and self.settings.accounts[account].door == door
        right = equal_in_constant_time(secret, self._receipt_secrets.get(account, NO_SECRET))
        return known and right

    def tell_audit(self, *, at_once: bool = False) -> None:
        """Leave an audit line of what the door turned away or had had before; never raises."""
        now = self.clock()
        if told := self.counts.to_tell(None if at_once else now):
            try:
                self.ledger.write(write_audit, now, who="door", event="deliveries turned away", detail=told)
            except Exception as exc:
                log.warning("deliveries turned away, not in the audit", error=type(exc).__name__, told=told)

    def close(self) -> None:
        """Give back every connection."""
        self.mailroom.close()
        self.tell_audit(at_once=True)
        self._closing.close()
        if self._ledger is not None:
            self._ledger.close()


def equal_in_constant_time(given: str, expected: str) -> bool:
    """Compare texts in a time that tells nothing about where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


async def app_state(request: Request) -> AppState:
    """The desk of the app that was asked."""
    desk: AppState = request.app.state.desk
    return desk


InjectedState = Annotated[AppState, Depends(app_state)]
