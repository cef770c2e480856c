"""What every command needs: the settings, the ledger, who is asking."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from campaigns.ledger.store import Ledger
from workers.settings import Settings, load
from workers.wiring import open_ledger


@contextmanager
def ledger_of(settings: Settings) -> Iterator[Ledger]:
    """The ledger for as long as the command runs."""
    ledger = open_ledger(settings)
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def opened() -> Iterator[tuple[Settings, Ledger]]:
    """The settings and the ledger, for as long as the command runs."""
    settings = load()
    with ledger_of(settings) as ledger:
        yield settings, ledger


def who() -> str:
    """The person at the keyboard, for audit lines."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
