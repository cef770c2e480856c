"""Creates a ledger's tables, and upgrades an older ledger to this version.

The order of the migrations is what each names as `down_revision`, not the numbers of their files.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from campaigns.ledger.store import Ledger
from dialer.errors import DialerError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0045"  # the newest migration; a test holds it against the folder
MIGRATIONS = Path(__file__).parent
UPGRADE_LOCK = 0x6469616C  # any number, the same for everybody


class LedgerTooNew(DialerError):
    """The ledger was written by a later version of this program."""


def upgrade(ledger: Ledger) -> None:
    """Make or upgrade the tables; nothing happens when they are current. Safe to run by many at once."""
    with ledger.reading() as db:
        if version(db) == HEAD:
            return
    from alembic import command  # takes a third of a second, for something that happens once

    config = _config()
    with ledger.rebuilding() as db:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
        current = version(db)
        if current is not None and current not in known_versions():
            raise LedgerTooNew(
                f"the ledger at {ledger.place} is of a later version ({current})", "upgrade this program"
            )
        config.attributes["connection"] = db
        command.upgrade(config, "head")


def known_versions() -> frozenset[str]:
    """The versions of a ledger that this program can read or upgrade."""
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def version(db: Connection) -> str | None:
    """The ledger's migration; None for a ledger without tables."""
    if not inspect(db).has_table("alembic_version"):
        return None
    revision: str | None = db.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
