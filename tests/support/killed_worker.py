"""A worker that ends by kill -9 at a statement of its own, while the transaction of that statement is open.

    python -m tests.support.killed_worker LEDGER REDIS VENDOR BEGINS VERB COLUMN

The statement is the first that has VERB and sets or inserts COLUMN. Its clock begins at BEGINS and goes on by
a second with each round of ticks. It says `round` after each.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from typing import Any

from sqlalchemy import event

from campaigns.dispatch.dial import dial
from campaigns.dispatch.release import release
from campaigns.ledger.store import Ledger
from campaigns.operations.sweep import sweep
from campaigns.runtime import Runtime
from campaigns.settlement.polling import poll_accounts
from tests.support.dialers import callgear, working
from tests.support.fixtures import HandSetClock

FAST: dict[str, Any] = {"poll_seconds": 0.1, "settle_seconds": 3}


def one_round(using: Runtime) -> None:
    """The ticks of a moment, and what they hand out."""
    for slice_ in release(using=using):
        dial(slice_, using=using)
    poll_accounts(using=using)
    sweep(using=using)


def main(url: str, redis_url: str, vendor: str, begins: str, verb: str, column: str) -> None:
    ledger, clock = Ledger(url), HandSetClock(datetime.fromisoformat(begins))

    def end_at(_db: Any, _cursor: Any, text: str, *_given: Any) -> None:
        _, found, values = text.partition(f"{verb} ")
        if found and column in values.partition(" WHERE ")[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(ledger.engine, "after_cursor_execute", end_at)
    with working(ledger, redis_url, {"main": callgear(vendor, **FAST)}, clock=clock) as using:
        while True:
            one_round(using)
            print("round", flush=True)  # noqa: T201
            clock.forward(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
