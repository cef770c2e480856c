"""Slows down whoever guesses the password: beyond a few wrong ones in a minute none is compared any more."""

from __future__ import annotations

import threading
from collections import Counter as CounterDict
from collections import OrderedDict, deque
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter

WINDOW = timedelta(minutes=1)
FROM_ONE_ADDRESS = 10
ALTOGETHER = 100  # from all addresses that have not shown the right password
ADDRESSES_KEPT = 1000


class PasswordGuard:
    """Counts wrong passwords by the address they come from. Safe to use from several threads.

    An address that has shown the right password is held back by its own wrong ones only, so nobody can lock it out
    from elsewhere.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._refused = Counter(
            "dialer_passwords_refused",
            "Wrong passwords, and requests whose password was not compared after too many of them.",
            ("reason",),
            registry=self.registry,
        )
        self._wrong: deque[tuple[datetime, str]] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._not_in_audit: CounterDict[str] = CounterDict()
        self._audited_at: datetime | None = None
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

    def is_due(self, now: datetime) -> bool:
        """Whether there is something for the audit, and the last line was written at least a minute ago."""
        return bool(self._not_in_audit) and (self._audited_at is None or now >= self._audited_at + WINDOW)

    def forget(self) -> None:
        """Begin anew, as after a start."""
        with self._lock:
            self._wrong.clear()
            self._known.clear()

    def take_summary(self, now: datetime | None = None) -> str | None:
        """What the audit does not have yet, as text; None when nothing is due at `now`: one line a minute at most."""
        with self._lock:
            if not self._not_in_audit or (now is not None and not self.is_due(now)):
                return None
            summary = ", ".join(f"{reason} {count}" for reason, count in sorted(self._not_in_audit.items()))
            self._not_in_audit.clear()
            self._audited_at = now
            return summary

    def _count(self, reason: str) -> None:
        self._refused.labels(reason).inc()
        self._not_in_audit[reason] += 1
