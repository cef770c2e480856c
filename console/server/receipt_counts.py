"""Counts of the receipts that reached this process, for the metrics and, where they were refused, for the audit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter

from dialer.metrics import begin_at_nought
from workers.audit_counts import AuditCounts

Refusal = Literal["forged", "unsigned", "unreadable", "too_large", "not_stored"]
NO_ACCOUNT = "-"  # for a URL of no account of ours: a name that a stranger chose never becomes a label


class ReceiptCounts:
    """Receipts by account and result: new, repeat, or refused with a reason. Safe to use from several threads.

    `audit` has what the audit is told of.
    """

    def __init__(self, accounts: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._receipts = Counter(
            "dialer_receipts",
            "Receipts that this console was sent since it started, by what became of them.",
            ("account", "result", "reason"),
            registry=self.registry,
        )
        names = tuple(accounts)
        begin_at_nought(self._receipts, names, ("new", "repeat"), ("",))
        begin_at_nought(self._receipts, (*names, NO_ACCOUNT), ("refused",), get_args(Refusal))
        self.audit = AuditCounts()

    def count_stored(self, account: str, *, new: int, total: int) -> None:
        """Count a delivery of `total` receipts that is stored; those that are not new had been stored before."""
        self._receipts.labels(account, "new", "").inc(new)
        self._receipts.labels(account, "repeat", "").inc(total - new)
        self.audit.add(f"{account} repeat", total - new)

    def count_refused(self, account: str, reason: Refusal) -> None:
        """Count a delivery that was refused."""
        self._receipts.labels(account, "refused", reason).inc()
        self.audit.add(f"{account} {reason}")
