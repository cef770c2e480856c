"""What the parts of the console share: settings, clock, ledger, secrets, and the counts of receipts."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request

from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger
from campaigns.library import Campaigns
from console.server.call_looks import CallLooks
from console.server.connections import Connections
from console.server.known_tokens import KnownTokens
from console.server.open_streams import OpenStreams
from console.server.rate_limit import RateLimit
from console.server.receipt_counts import ReceiptCounts
from console.server.receipt_writer import ReceiptWriter
from dialer.log import get_logger
from dialer.log_setup import tell_outside
from dialer.providers.registry import provider_for
from dialer.recent import Recent
from workers.first_admin import add_first_admin, first_admin_words
from workers.inspection import Inspection, surroundings
from workers.ledger import open_ledger
from workers.nudges import Nudges
from workers.password_check import PasswordCheck
from workers.password_guard import PasswordGuard
from workers.secrets import RESPONSES, receipt_secret
from workers.settings import Settings
from workers.shared_metrics import SharedMetrics
from workers.wiring import open_buckets

log = get_logger()
RECEIPT_THREADS = 16
PASSWORD_THREADS = 2  # each needs 19 MB while it compares
SCRAPERS_KEPT_SECONDS = 3600.0  # who may read the metrics while the ledger, which has the tokens, is away
NO_SECRET = "0" * 32  # compared with for an unknown account, so that the reply takes as long


class AppState:
    """One per app. The ledger is opened when it is first needed, and tried again as long as that fails."""

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], connections: Connections | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.passwords = PasswordCheck()
        self.password_threads = CapacityLimiter(PASSWORD_THREADS)
        self.providers = {name: provider_for(account) for name, account in settings.accounts.items()}
        self.counts = ReceiptCounts(settings.accounts)
        self.guard = PasswordGuard()
        self.rate_limit = RateLimit()
        self.streams = OpenStreams()
        self.tokens = KnownTokens()
        self.connections = connections or Connections()
        own = (self.counts.registry, self.guard.registry, self.connections.registry)
        self.shared_metrics = SharedMetrics(settings, "console", own)
        self.scrapers = Recent[bytes, bool](SCRAPERS_KEPT_SECONDS, most=20)
        self.receipt_writer = ReceiptWriter(lambda: self.ledger, dict(settings.accounts), clock)
        self.receipt_threads = CapacityLimiter(RECEIPT_THREADS)  # of their own: no page keeps a receipt waiting
        self.inspection = Inspection(settings)
        self.surroundings = surroundings(settings)
        self._receipt_secrets = {name: receipt_secret(settings, name) for name in settings.accounts}
        self._closing = ExitStack()
        self.buckets = self._closing.enter_context(open_buckets(settings))
        self.nudges = Nudges(settings)
        self.call_looks = CallLooks(settings)
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()

    @property
    def ledger(self) -> Ledger:
        """The ledger, its tables created or upgraded, its first user made. Raises LedgerUnavailable, LedgerTooNew."""
        if self._ledger is None:
            with self._lock:
                if self._ledger is None:
                    self._ledger = self._open_ledger()
        return self._ledger

    def _open_ledger(self) -> Ledger:
        ledger = open_ledger(self.settings)
        try:
            if password := add_first_admin(self.settings, ledger, self.clock()):
                tell_outside(first_admin_words(self.settings, password))
        except BaseException:
            ledger.close()
            raise
        return ledger

    def campaigns_of(self, who: str) -> Campaigns:
        """What this caller may do with the campaigns of the ledger."""
        return Campaigns(
            self.ledger,
            self.settings.accounts,
            who=who,
            clock=self.clock,
            second_person_above=self.settings.console.second_person_above,
            surroundings=self.surroundings,
        )

    def is_receipt_url(self, route: str, account: str, secret: str) -> bool:
        """True when the account's provider was given this URL for its receipts; takes the same time for any secret."""
        known = account in self._receipt_secrets and route in (self.settings.accounts[account].receipts_path, RESPONSES)
        right = equal_in_constant_time(secret, self._receipt_secrets.get(account, NO_SECRET))
        return known and right

    def audit_counts(self, *, at_once: bool = False) -> None:
        """Write to the audit, if that is due, how much was refused; never raises."""
        now = self.clock()
        for event, counts in (("deliveries turned away", self.counts.audit), ("wrong passwords", self.guard.audit)):
            if summary := counts.take_summary(None if at_once else now):
                try:
                    self.ledger.write(write_audit, now, who="console", event=event, detail=summary)
                except Exception as exc:
                    log.warning("counts are not in the audit", what=event, error=type(exc).__name__, counts=summary)

    def close(self) -> None:
        """Store what has been received, then close every connection."""
        self.receipt_writer.close()
        self.audit_counts(at_once=True)
        self.nudges.close()
        self.call_looks.close()
        self.shared_metrics.close()
        self._closing.close()
        if self._ledger is not None:
            self._ledger.close()


def equal_in_constant_time(given: str, expected: str) -> bool:
    """Compare two texts; the time taken does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


async def app_state(request: Request) -> AppState:
    """The state of the app that serves this request."""
    state: AppState = request.app.state.state
    return state


InjectedState = Annotated[AppState, Depends(app_state)]
