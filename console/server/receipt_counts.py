"""What came to the door for receipts, counted since this process started; the audit hears what was turned away."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from datetime import datetime, timedelta
from typing import Literal

from prometheus_client import CollectorRegistry, Counter

Refusal = Literal["forged", "unsigned", "unreadable", "too_large", "not_stored"]
NO_ACCOUNT = "-"  # what a stranger calls an account is no label of ours
AUDIT_INTERVAL = timedelta(minutes=1)  # so that nobody can fill the ledger by knocking


class ReceiptCounts:
    """Receipts by account and what became of them: new, repeat, or refused with a reason."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._receipts = Counter(
            "dialer_receipts",
            "Receipts at this console's door since it started, by what became of them.",
            ("account", "result", "reason"),
            registry=self.registry,
        )
        self._untold: Tally[tuple[str, str]] = Tally()
        self._told_at: datetime | None = None
        self._lock = threading.Lock()

    def kept(self, account: str, *, fresh: int, all_of_them: int) -> None:
        """Receipts were stored; those that were not fresh had been stored before."""
        self._receipts.labels(account, "new", "").inc(fresh)
        self._receipts.labels(account, "repeat", "").inc(all_of_them - fresh)
        self._remember(account, "repeat", all_of_them - fresh)

    def refused(self, account: str, reason: Refusal) -> None:
        """A delivery was turned away."""
        self._receipts.labels(account, "refused", reason).inc()
        self._remember(account, reason, 1)

    def due(self, now: datetime) -> bool:
        """Whether there is something that the audit has not heard of, and it has heard nothing for a minute."""
        return bool(self._untold) and (self._told_at is None or now >= self._told_at + AUDIT_INTERVAL)

    def to_tell(self, now: datetime | None = None) -> str | None:
        """What the audit has not heard of yet, in words, if that is due at `now`; None: nothing to tell."""
        with self._lock:
            if not self._untold or (now is not None and not self.due(now)):
                return None
            told = ", ".join(f"{account} {reason} {count}" for (account, reason), count in sorted(self._untold.items()))
            self._untold.clear()
            self._told_at = now
            return told

    def _remember(self, account: str, reason: str, count: int) -> None:
        if count:
            with self._lock:
                self._untold[account, reason] += count
