"""The mailroom: one thread that stores what came to the door, all that is there in one transaction, then applies it.

A commit costs the same for one receipt as for fifty, so the more arrive the more go into each, and nobody waits long.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime

from structlog import get_logger

from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger, LedgerAway
from campaigns.settlement.receipts import apply_heard
from dialer.account_settings import AccountSettings
from dialer.calls import Receipt

MAX_BATCH = 100

log = get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _QueuedDelivery:
    """A delivery, and who waits to hear that it is stored: how many of its receipts were new, or why it is not."""

    delivery: Delivery
    stored: Future[int] = field(default_factory=Future)


class ReceiptWriter:
    """Deliveries in, commits out. `ledger` is asked for when it is needed, for it may be away."""

    def __init__(
        self, ledger: Callable[[], Ledger], accounts: dict[str, AccountSettings], clock: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._clock = clock
        self._letters: queue.SimpleQueue[_QueuedDelivery | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="mailroom", daemon=True)
        self._thread.start()

    def keep(self, delivery: Delivery) -> Future[int]:
        """Store a delivery durably: the future tells how many of its receipts were new, and raises when it is not."""
        letter = _QueuedDelivery(delivery=delivery)
        self._letters.put(letter)
        return letter.stored

    def settle(self, seconds: float = 10.0) -> bool:
        """Wait until what has come so far is stored and applied, as far as it can be; False when that takes longer."""
        done = threading.Event()
        self._letters.put(done)
        return done.wait(seconds)

    def close(self) -> None:
        """Store what has come so far, and stop."""
        self._letters.put(None)
        self._thread.join()

    def _work(self) -> None:
        for batch in self._batches():
            if fresh := self._store(batch):
                self._apply(fresh)

    def _batches(self) -> Iterator[list[_QueuedDelivery]]:
        batch: list[_QueuedDelivery] = []
        while (letter := self._letters.get()) is not None:
            if isinstance(letter, _QueuedDelivery):
                batch.append(letter)
            if batch and (not isinstance(letter, _QueuedDelivery) or self._letters.empty() or len(batch) == MAX_BATCH):
                yield batch
                batch = []
            if isinstance(letter, threading.Event):
                letter.set()
        if batch:
            yield batch

    def _store(self, batch: Sequence[_QueuedDelivery]) -> list[Delivery]:
        """Store a batch, or, where it as a whole cannot be, each of it; returns what was new."""
        try:
            deliveries = [letter.delivery for letter in batch]
            counts = self._ledger().write(store, deliveries, now=self._clock())
        except Exception as exc:
            if len(batch) > 1 and not isinstance(exc, LedgerAway):
                return [delivery for letter in batch for delivery in self._store([letter])]
            for letter in batch:
                letter.stored.set_exception(exc)
            return []
        for letter, fresh in zip(batch, counts, strict=True):
            letter.stored.set_result(fresh)
        return [letter.delivery for letter, fresh in zip(batch, counts, strict=True) if fresh]

    def _apply(self, deliveries: Sequence[Delivery]) -> None:
        """Apply what is stored; what cannot be is left to the sweep."""
        by_account: dict[str, list[Receipt]] = {}
        for delivery in deliveries:
            by_account.setdefault(delivery.account, []).extend(delivery.heard)
        for account, heard in by_account.items():
            try:
                settings = self._accounts[account]
                self._ledger().write(apply_heard, account, settings, heard, now=self._clock())
            except Exception as exc:
                # Its text may quote the body: only words that were written for people are told.
                trouble = {"error": type(exc).__name__, "why": getattr(exc, "message", "")}
                log.warning("receipts stored but not applied: the sweep will", account=account, **trouble)
