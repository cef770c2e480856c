"""Bringing a ledger to the shape that this version writes."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from campaigns.ledger.store import Ledger
from dialer.errors import DialerError

MIGRATIONS = Path(__file__).parent.parent / "migrations"
UPGRADE_LOCK = 0x6469616C  # any number, the same for everybody


class LedgerTooNew(DialerError):
    """The ledger was written by a later version of this program."""


def upgrade(ledger: Ledger) -> None:
    """Make or upgrade the tables; nothing happens when they are current. Safe to run by many at once."""
    scripts = ScriptDirectory.from_config(_config())
    with ledger.reading() as db:
        current = MigrationContext.configure(db).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise LedgerTooNew(f"the ledger at {ledger.place} is of a later version ({current})", "upgrade campaign-dialer")
    config = _config()
    with ledger.writing() as db:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        config.attributes["connection"] = db
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
