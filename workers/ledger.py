"""The ledger and the clock of this process: all that a command needs which calls nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from dialer.clock import WatchedClock
from dialer.log import get_logger
from workers.private_files import close_to_others
from workers.secrets import hash_key
from workers.settings import Settings

_clock = WatchedClock()
log = get_logger()


def now_utc() -> datetime:
    """The clock that tasks, pages and commands read."""
    return _clock()


def possible_times() -> Sequence[datetime]:
    """The times that it may be: two where the clock was set while this process ran."""
    return _clock.moments()


def open_ledger(settings: Settings) -> Ledger:
    """The ledger, its tables made or upgraded. Raises LedgerUnavailable, LedgerTooNew, and leaves nothing open then."""
    ledger = Ledger(settings.ledger_url, hash_key=hash_key(settings))
    for sentence in close_to_others(settings):
        log.warning("open to others", what=sentence)
    try:
        upgrade(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger
