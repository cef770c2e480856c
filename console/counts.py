"""What came to the door for receipts, counted since this process started."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter

Refusal = Literal["forged", "unreadable", "too_large", "not_stored"]
NO_ACCOUNT = "-"  # what a stranger calls an account is no label of ours


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

    def kept(self, account: str, *, fresh: int, all_of_them: int) -> None:
        """Receipts were stored; those that were not fresh had been stored before."""
        self._receipts.labels(account, "new", "").inc(fresh)
        self._receipts.labels(account, "repeat", "").inc(all_of_them - fresh)

    def refused(self, account: str, reason: Refusal) -> None:
        """A delivery was turned away."""
        self._receipts.labels(account, "refused", reason).inc()
