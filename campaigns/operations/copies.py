"""Copies of a SQLite ledger: made while others write, checked, and put back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url

from campaigns.ledger.migrations import LedgerTooNew, known_versions
from campaigns.lifecycle import LIVE_CAMPAIGNS
from dialer.errors import DialerError
from dialer.regular_file import check_regular
from dialer.whole_file import part_of

BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside its file
WAIT_SECONDS = 60.0
IN_USE_SECONDS = 1.0


class NotCopied(DialerError):
    """No copy was made, or none was put back; the ledger is as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A checked copy. `live` are the campaigns that would dial again after it is put back."""

    file: Path
    size: int
    live: tuple[str, ...]


def ledger_file(url: str) -> Path:
    """The file of a SQLite ledger. Raises NotCopied, which names the tools, for another store."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return Path(parsed.database)
    public = parsed.set(drivername="postgresql", query={})._replace(password=None)
    place, server = public.render_as_string(), public.set(database="postgres").render_as_string()
    raise NotCopied(
        "the ledger is in PostgreSQL, which has tools of its own",
        f"pg_dump --format=custom --file=FILE {place}, and to put it back: "
        f"pg_restore --clean --create --if-exists --exit-on-error --dbname={server} FILE",
    )


def copy_ledger(ledger: Path, file: Path) -> Copy:
    """Copy a ledger to a new file that only its owner can read, as it is at one moment, while others write to it.

    The copy is checked before it gets its name. Raises NotCopied.
    """
    if file.exists() or file.is_symlink():
        raise NotCopied(f"{file} is there already", "choose another name, or remove it first")
    if not ledger.is_file():
        raise NotCopied(f"{ledger}: there is no ledger here", "correct DIALER_DATA_DIR or ledger.url")
    with _told_of(ledger), part_of(file) as part:
        with closing(sqlite3.connect(ledger, timeout=WAIT_SECONDS)) as db:
            db.execute("VACUUM INTO ?", (str(part),))
        live = _checked(part, file)
        _to_disk(part)
        os.link(part, file)  # unlike a rename, it replaces nothing
    return Copy(file=file, size=file.stat().st_size, live=live)


def restore_ledger(file: Path, ledger: Path, now: datetime) -> tuple[Copy, Path | None]:
    """Put a copy in the place of the ledger; returns what it holds, and where the ledger is that was there before.

    The copy is checked first, and left as it is. Nobody may use the ledger meanwhile. Raises NotCopied, LedgerTooNew.
    """
    ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _told_of(file), part_of(ledger) as part:
        check_regular(file)
        with file.open("rb") as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
        live = _checked(part, file)
        _to_disk(part)
        before = _put_aside(ledger, now) if ledger.exists() else None
        part.replace(ledger)
    return Copy(file=ledger, size=ledger.stat().st_size, live=live), before


@contextmanager
def _told_of(place: Path) -> Iterator[None]:
    """Raise NotCopied for what SQLite and the system raise."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        remedy = "see that there is room, and that nothing else holds it"
        if type(exc) is sqlite3.DatabaseError:
            remedy = "it is damaged: use an earlier copy"
        raise NotCopied(f"{place}: {exc}", remedy) from None
    except OSError as exc:
        raise NotCopied(f"{exc.filename or place}: {exc.strerror}", "correct the path, or make room there") from None


def _checked(copy: Path, named: Path) -> tuple[str, ...]:
    """The live campaigns of a copy that is whole and of a version that we know. Raises NotCopied, LedgerTooNew."""
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?immutable=1", uri=True)) as db:
        if (verdict := db.execute("PRAGMA integrity_check(1)").fetchone()[0]) != "ok":
            raise NotCopied(f"{named} is damaged: {' '.join(str(verdict).split())[:200]}", "use an earlier copy")
        if db.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise NotCopied(f"{named} is damaged: rows refer to rows that are not there", "use an earlier copy")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"alembic_version", "campaigns", "attempts"} <= tables:
            raise NotCopied(f"{named} is no ledger of the dialer", "name a file that `dialer ledger copy` has made")
        version = db.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        if version not in known_versions():
            raise LedgerTooNew(f"{named} is of a later version ({version})", "upgrade this program")
        marks = ", ".join("?" * len(LIVE_CAMPAIGNS))
        statuses = [status.value for status in LIVE_CAMPAIGNS]
        query = f"SELECT id FROM campaigns WHERE status IN ({marks}) ORDER BY id"  # noqa: S608  # marks alone
        return tuple(name for (name,) in db.execute(query, statuses))


def _put_aside(ledger: Path, now: datetime) -> Path:
    """Rename the ledger, whole and closed, or damaged as it is. Raises NotCopied while somebody uses it."""
    try:
        with closing(sqlite3.connect(ledger, timeout=IN_USE_SECONDS)) as db:
            mode = db.execute("PRAGMA journal_mode = DELETE").fetchone()[0]  # fails while another has it open
    except sqlite3.OperationalError:
        mode = "in use"
    except sqlite3.DatabaseError:
        mode = "damaged"
    if mode not in ("delete", "damaged"):
        raise NotCopied(f"{ledger} is in use", "stop `dialer up`, workers, beat and consoles first")
    before = ledger.with_name(f"{ledger.name}.before-{now:%Y%m%dT%H%M%S}")
    for ending in ("", *BESIDE):
        if (part := Path(f"{ledger}{ending}")).exists():
            part.rename(f"{before}{ending}")
    before.chmod(0o600)
    return before


def _to_disk(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
