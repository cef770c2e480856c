"""Slows down whoever guesses the password or a token: beyond a few wrong ones in a minute none is compared any more."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter

from dialer.metrics import begin_at_nought
from workers.audit_counts import AuditCounts

WINDOW = timedelta(minutes=1)
FROM_ONE_ADDRESS = 10
FOR_ONE_NAME = 10  # from all addresses that have not shown a right password
ALTOGETHER = 100  # from all addresses that have not shown the right password
ADDRESSES_KEPT = 1000


class PasswordGuard:
    """Counts wrong passwords by the address they come from and the name they are for. Safe to use from several threads.

    An address that has shown a right password is held back by its own wrong ones only, so nobody can lock it out
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
        begin_at_nought(self._refused, ("wrong", "not compared"))
        self._wrong: deque[tuple[datetime, str, str]] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        self.audit = AuditCounts()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str, now: datetime, name: str = "") -> int:
        """0 when a password of this address may be compared, else seconds until one may; the request is counted.

        `name` is that of the user whose password it is meant to be.
        """
        with self._lock:
            while self._wrong and self._wrong[0][0] <= now - WINDOW:
                self._wrong.popleft()
            counted = [[at for at, other, _ in self._wrong if other == address]]
            bounds = [FROM_ONE_ADDRESS]
            if address not in self._known:
                counted += [
                    [at for at, _, other in self._wrong if name and other == name],
                    [at for at, *_ in self._wrong],
                ]
                bounds += [FOR_ONE_NAME, ALTOGETHER]
            first = [times[-bound] for times, bound in zip(counted, bounds, strict=True) if len(times) >= bound]
            if not first:
                return 0
            self._count("not compared")
            return max(1, round((max(first) + WINDOW - now).total_seconds()))

    def count_wrong(self, address: str, now: datetime, name: str = "") -> None:
        """Remember a wrong password."""
        with self._lock:
            self._wrong.append((now, address, name))
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
