"""Slows down whoever guesses the password or a token: beyond a few wrong ones in a minute none is compared any more."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter

from workers.audit_counts import AuditCounts

WINDOW = timedelta(minutes=1)
FROM_ONE_ADDRESS = 10
ALTOGETHER = 100  # from all addresses that have not shown the right password
ADDRESSES_KEPT = 1000


class PasswordGuard:
    """Counts wrong passwords by the address they come from. Safe to use from several threads.

    An address that has shown the right password is held back by its own wrong ones only, so nobody can lock it out
    from elsewhere. `audit` has what the audit is told of.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._refused = Counter(
            "dialer_passwords_refused",
            "Wrong passwords and tokens, and requests whose password was not compared after too many of them.",
            ("reason",),
            registry=self.registry,
        )
        self._wrong: deque[tuple[datetime, str]] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        self.audit = AuditCounts()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str, now: datetime) -> int:
        """0 when a password of this address may be compared, else seconds until one may; the request is counted."""
        with self._lock:
            while self._wrong and self._wrong[0][0] <= now - WINDOW:
                self._wrong.popleft()
            its_own = [at for at, other in self._wrong if other == address]
            too_many = len(its_own) >= FROM_ONE_ADDRESS or (
                len(self._wrong) >= ALTOGETHER and address not in self._known
            )
            if not too_many:
                return 0
            self._count("not compared")
            first = its_own[0] if len(its_own) >= FROM_ONE_ADDRESS else self._wrong[0][0]
            return max(1, round((first + WINDOW - now).total_seconds()))

    def count_wrong(self, address: str, now: datetime) -> None:
        """Remember a wrong password."""
        with self._lock:
            self._wrong.append((now, address))
            self._count("wrong")

    def remember_right(self, address: str) -> None:
        """Remember that this address has shown the right password."""
        if address in self._known:
            return
        with self._lock:
            self._known[address] = None
            if len(self._known) > ADDRESSES_KEPT:
                self._known.popitem(last=False)

    def forget(self) -> None:
        """Begin anew, as after a start."""
        with self._lock:
            self._wrong.clear()
            self._known.clear()

    def _count(self, reason: str) -> None:
        self._refused.labels(reason).inc()
        self.audit.add(reason)
