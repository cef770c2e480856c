"""Ledgers that are made once and copied for each test: to make or upgrade one takes longer than most tests of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from campaigns.ledger.migrations import upgrade
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


def migrated(file: Path) -> str:
    """Make this file an empty SQLite ledger, as the first command would; its URL."""
    file.touch(mode=0o600)
    file.write_bytes(new_ledger())
    return f"{SQLITE}{file}"


@cache
def new_ledger() -> bytes:
    """What an empty SQLite ledger's file holds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "ledger.sqlite3")
        ledger = Ledger(f"{SQLITE}{file}")
        upgrade(ledger)
        ledger.close()
        return file.read_bytes()


def _opened(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    try:
        yield ledger
    finally:
        ledger.close()
