"""The ledger of this process: what a command needs which calls nobody."""

from __future__ import annotations

from campaigns.ledger.migrations import upgrade
from campaigns.ledger.store import Ledger
from dialer.log import get_logger
from workers.private_files import close_to_others
from workers.secrets import hash_key
from workers.settings import Settings

log = get_logger()


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
