"""Transactions that wait for each other: until one does, and what the store has ended because two did crosswise."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text

from campaigns.ledger.store import Ledger


@contextmanager
def deadlocks(ledger: Ledger) -> Iterator[list[str]]:
    """The deadlocks that the store has ended."""
    found: list[str] = []

    def note(context: Any) -> None:
        if getattr(context.original_exception, "sqlstate", None) == "40P01":
            found.append(str(context.original_exception))

    event.listen(ledger.engine, "handle_error", note)
    yield found
    event.remove(ledger.engine, "handle_error", note)


def until_it_waits(ledger: Ledger, thread: threading.Thread) -> None:
    """Until that thread's transaction waits for a lock; on SQLite it waits for the only writer."""
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    for _ in range(400):
        if not thread.is_alive():
            return
        with ledger.reading() as db:
            if db.dialect.name == "sqlite" or db.scalar(waits):
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")
