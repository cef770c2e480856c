"""One thread that stores the receipts of all requests, many in one transaction, then applies them.

A commit costs the same for one receipt as for fifty: the more arrive, the more go into each, and none waits long.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger, LedgerUnavailable
from campaigns.settlement.receipts import apply_heard
from dialer.account_settings import AccountSettings
from dialer.calls import Receipt
from dialer.log import get_logger

MAX_BATCH = 100

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _QueuedDelivery:
    """A delivery, and the future of how many of its receipts were new; it raises when they could not be stored."""

    delivery: Delivery
    stored: Future[int] = field(default_factory=Future)


class ReceiptWriter:
    """Stores deliveries, in the order in which they are submitted. `ledger` is called anew for each transaction."""

    def __init__(
        self, ledger: Callable[[], Ledger], accounts: dict[str, AccountSettings], clock: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock
        self._queue: queue.SimpleQueue[_QueuedDelivery | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="receipt-writer", daemon=True)
        self._thread.start()

    def submit(self, delivery: Delivery) -> Future[int]:
        """Queue a delivery. The future is done once it is stored: the number of new receipts, or what went wrong."""
        queued = _QueuedDelivery(delivery=delivery)
        self._queue.put(queued)
        return queued.stored

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until what was submitted so far is stored and applied, as far as it can be; False after `seconds`."""
        done = threading.Event()
        self._queue.put(done)
        return done.wait(seconds)

    def close(self) -> None:
        """Store what was submitted so far, and stop."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        for batch in self._batches():
            if new := self._store(batch):
                self._apply(new)

    def _batches(self) -> Iterator[list[_QueuedDelivery]]:
        batch: list[_QueuedDelivery] = []
        while (item := self._queue.get()) is not None:
            if isinstance(item, _QueuedDelivery):
                batch.append(item)
            if batch and (not isinstance(item, _QueuedDelivery) or self._queue.empty() or len(batch) == MAX_BATCH):
                yield batch
                batch = []
            if isinstance(item, threading.Event):  # a flush waits for it
                item.set()
        if batch:
            yield batch

    def _store(self, batch: Sequence[_QueuedDelivery]) -> list[Delivery]:
        """Store a batch in one transaction; where that fails, each delivery by itself. Returns the new ones."""
        try:
            deliveries = [queued.delivery for queued in batch]
            counts = self._ledger().write(store, deliveries, now=self._clock())
        except Exception as exc:
            if len(batch) > 1 and not isinstance(exc, LedgerUnavailable):
                return [delivery for queued in batch for delivery in self._store([queued])]
            for queued in batch:
                queued.stored.set_exception(exc)
            return []
        for queued, new in zip(batch, counts, strict=True):
            queued.stored.set_result(new)
        return [queued.delivery for queued, new in zip(batch, counts, strict=True) if new]

    def _apply(self, deliveries: Sequence[Delivery]) -> None:
        """Apply what is stored; the sweep applies later what fails here."""
        by_account: dict[str, list[Receipt]] = {}
        for delivery in deliveries:
            by_account.setdefault(delivery.account, []).extend(delivery.heard)
        for account, heard in by_account.items():
            try:
                settings = self._accounts[account]
                self._ledger().write(apply_heard, account, settings, heard, now=self._clock())
            except Exception as exc:
                # Its text may quote the body, so log only a message that was written for people.
                fields = {"error": type(exc).__name__, "why": getattr(exc, "message", "")}
                log.warning("receipts stored but not applied: the sweep will", account=account, **fields)
