"""Ledgers that are made once and copied for each test: to make or upgrade one takes longer than most tests of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from campaigns.ledger.store import Ledger
from tests.support import postgres

SQLITE = "sqlite:///"


@contextmanager
def copied(url: str, folder: Path) -> Iterator[Ledger]:
    """A copy of the ledger at this URL, which nobody has open; on SQLite in this folder, else on the same server."""
    if url.startswith(SQLITE):
        file = shutil.copy(url.removeprefix(SQLITE), folder)
        yield from _opened(f"{SQLITE}{file}")
    else:
        server, name = url.replace("+psycopg", "").rsplit("/", 1)
        with postgres.database(f"{server}/postgres", copy_of=name) as copy:
            yield from _opened(copy)


def _opened(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    try:
        yield ledger
    finally:
        ledger.close()
