"""Counts of the receipts that reached this process, for the metrics and, where they were refused, for the audit."""

from __future__ import annotations

import threading
from collections import Counter as CounterDict
from datetime import datetime, timedelta
from typing import Literal

from prometheus_client import CollectorRegistry, Counter

Refusal = Literal["forged", "unsigned", "unreadable", "too_large", "not_stored"]
NO_ACCOUNT = "-"  # for a URL of no account of ours: a name that a stranger chose never becomes a label
AUDIT_INTERVAL = timedelta(minutes=1)  # so that refused requests, however many, cannot fill the ledger


class ReceiptCounts:
    """Receipts by account and result: new, repeat, or refused with a reason. Safe to use from several threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._receipts = Counter(
            "dialer_receipts",
            "Receipts that this console was sent since it started, by what became of them.",
            ("account", "result", "reason"),
            registry=self.registry,
        )
        self._not_in_audit: CounterDict[tuple[str, str]] = CounterDict()
        self._audited_at: datetime | None = None
        self._lock = threading.Lock()

    def count_stored(self, account: str, *, new: int, total: int) -> None:
        """Count a delivery of `total` receipts that is stored; those that are not new had been stored before."""
        self._receipts.labels(account, "new", "").inc(new)
        self._receipts.labels(account, "repeat", "").inc(total - new)
        self._add(account, "repeat", total - new)

    def count_refused(self, account: str, reason: Refusal) -> None:
        """Count a delivery that was refused."""
        self._receipts.labels(account, "refused", reason).inc()
        self._add(account, reason, 1)

    def is_due(self, now: datetime) -> bool:
        """Whether there is something for the audit, and the last line was written at least a minute ago."""
        return bool(self._not_in_audit) and (self._audited_at is None or now >= self._audited_at + AUDIT_INTERVAL)

    def take_summary(self, now: datetime | None = None) -> str | None:
        """The counts that are not in the audit yet, as text, and forget them; None when nothing is due at `now`."""
        with self._lock:
            if not self._not_in_audit or (now is not None and not self.is_due(now)):
                return None
            summary = ", ".join(
                f"{account} {reason} {count}" for (account, reason), count in sorted(self._not_in_audit.items())
            )
            self._not_in_audit.clear()
            self._audited_at = now
            return summary

    def _add(self, account: str, reason: str, count: int) -> None:
        if count:
            with self._lock:
                self._not_in_audit[account, reason] += count
