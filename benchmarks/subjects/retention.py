"""Retention: for how long it keeps others from writing while it empties a million contacts, on both stores.

`RETAINED_CONTACTS` sets the size, `RETAINED_SECONDS` for how long each row is measured.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import quantiles

from sqlalchemy import Connection, text, update

from benchmarks.figures import Figures
from campaigns.ledger.lists.batches import Batches
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import contacts
from campaigns.operations.retention.emptying import run
from campaigns.retention_periods import InstallationRetention
from tests.support import postgres
from tests.support.large_ledger import CALLED, NOW, large_ledger

SIZE = int(os.environ.get("RETAINED_CONTACTS", "1000000"))
SECONDS = float(os.environ.get("RETAINED_SECONDS", "40"))
EVERY = 0.02  # seconds
KEPT = InstallationRetention.model_validate({"contacts": "90d"})
LATER = NOW + timedelta(days=91)
ENDED = """
UPDATE contacts SET status = 'cancelled', reason = 'the campaign was cancelled', final_at = due_at
WHERE final_at IS NULL
"""
RECEIPTS = """
INSERT INTO receipts (account, event_id, attempt_id, provider_call_id, word, received_at, applied_at, body)
SELECT account, 'event-' || id, id, 'call-' || id, 'ended', ended_at, ended_at, '{"call"\\: "' || id || '"}'
FROM attempts
"""
OVER = "UPDATE campaigns SET status = 'finished', finished_at = since"


def measure() -> Iterator[Figures]:
    """Both stores, one after the other."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dialer-bench-"))
        server = stack.enter_context(postgres.server(durable=True))
        stores = {
            "SQLite": f"sqlite:///{folder}/ledger.sqlite3",
            "PostgreSQL": stack.enter_context(postgres.database(server)),
        }
        rows = [_row(store, url) for store, url in stores.items()]
    yield Figures(
        title=f"{SIZE:,} contacts of one campaign, {int(CALLED * SIZE):,} calls with a receipt: milliseconds",
        columns=(
            *("store", "contacts emptied a second", "a batch: median", "99 of 100", "longest"),
            *("another's write: median", "99 of 100", "longest"),
            *("the same without retention: median", "99 of 100", "longest"),
        ),
        rows=rows,
        note=f"For {SECONDS:.0f} s each. A batch: how long it holds its rows (on SQLite the ledger), commit included. "
        f"Another process writes a row of the same campaign every {1000 * EVERY:.0f} ms.",
    )


def _row(store: str, url: str) -> list[str]:
    with _over(url) as ledger:
        alone = writes_beside(url, SIZE, lambda: time.sleep(SECONDS / 2))
        before, batches = _left(ledger), Batches()
        others = writes_beside(url, SIZE, partial(_empty, ledger, batches))
        emptied = (before - _left(ledger)) / SECONDS
    figures = (*spread(batches.held), *spread(others), *spread(alone))
    return [store, f"{emptied:,.0f}", *(f"{1000 * figure:,.1f}" for figure in figures)]


def _empty(ledger: Ledger, batches: Batches) -> None:
    batches.until = batches.clock() + SECONDS
    run(ledger, KEPT, Path(), now=LATER, batches=batches)


@contextmanager
def _over(url: str) -> Iterator[Ledger]:
    """A ledger whose campaign has ended, each of its calls with a receipt."""
    with large_ledger(url, SIZE) as (ledger, _):
        for statement in (ENDED, RECEIPTS, OVER):
            ledger.write(Connection.execute, text(statement))
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("ANALYZE"))
        yield ledger


def _left(ledger: Ledger) -> int:
    with ledger.reading() as db:
        return db.scalar(text("SELECT count(*) FROM contacts WHERE phone LIKE '+%'")) or 0


def writes_beside(url: str, size: int, act: Callable[[], object]) -> list[float]:
    """Do this, and return how long each write of another process took meanwhile, in seconds.

    It writes one of the first `size` contacts of the ledger every EVERY seconds.
    """
    command = [sys.executable, "-m", "benchmarks.subjects.retention", url, str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None  # noqa: S101  # it is a pipe
        other.stdout.readline()
        act()
        written, _ = other.communicate()
    took: list[float] = json.loads(written)
    return took


def _write(url: str, size: int) -> None:
    """Write as a worker does that settles calls, until standard input ends; print how long each took."""
    ledger, rng, took = Ledger(url), Random(5), list[float]()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        row = update(contacts).where(contacts.c.id == rng.randrange(1, size + 1))
        began = time.monotonic()
        ledger.write(Connection.execute, row.values(tries=contacts.c.tries))
        took.append(time.monotonic() - began)
        if len(took) == 1:
            print("it writes", flush=True)  # noqa: T201  # to the process that started it
    json.dump(took, sys.stdout)
    ledger.close()


def spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    """The median, what 99 of 100 keep to, and the longest."""
    parts = quantiles(seconds, n=100, method="inclusive")
    return parts[49], parts[98], max(seconds)


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]))
