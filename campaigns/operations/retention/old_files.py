"""Files about people whose time is over: reports, rejected rows, and lists that were downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from campaigns.audience.files.download import downloaded_lists
from campaigns.ledger.lists.kept_campaigns import is_standing, retention_of
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, schedules
from campaigns.lifecycle import ENDED_CAMPAIGNS
from campaigns.reporting.report import files_locked
from campaigns.retention_periods import FOREVER, Kept, Retention

OURS = re.compile(r"(?P<campaign>.+)-(attempts|contacts|unknown|follow-up|rejects)\.csv")
LEFT_OVER = timedelta(days=1)  # of a process that was killed while it wrote


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file that is still kept, and until when."""

    file: Path
    until: datetime


def kept_files(ledger: Ledger, general: Retention, folder: Path) -> list[OldFile]:
    """Files of reports and rejects in the folder, and downloaded lists, that go some day; first those that go first.

    Files of a campaign that goes on stay, whatever their age, but for a standing one's.
    """
    with ledger.reading() as db:
        kept = [*_reports(db, general, folder), *_downloads(db, general)]
    return sorted(kept, key=lambda each: (each.until, each.file))


def remove_files(files: Sequence[Path], folder: Path) -> list[Path]:
    """Remove these files while no report is being written; returns those that could not be."""
    left = []
    with files_locked(folder):
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError:
                left.append(file)
    return left


def _reports(db: Connection, general: Retention, folder: Path) -> Iterator[OldFile]:
    for file in sorted(folder.glob("*.csv")):
        if named := OURS.fullmatch(file.name):
            row = db.execute(
                select(campaigns.c.status, campaigns.c.definition).where(campaigns.c.id == named["campaign"])
            ).first()
            if row is None or row.status in ENDED_CAMPAIGNS or is_standing(row.definition):
                own = Retention() if row is None else retention_of(row.definition)
                yield from _with_end(file, own.over(general).period(Kept.REPORTS))
    for part in sorted(folder.glob(".*.csv*.part")):
        yield from _with_end(part, LEFT_OVER)


def _downloads(db: Connection, general: Retention) -> Iterator[OldFile]:
    for row in db.execute(select(schedules.c.file, schedules.c.name)).all():
        for file in downloaded_lists(Path(row.file).parent, row.name):
            yield from _with_end(file, general.period(Kept.REPORTS))


def _with_end(file: Path, period: timedelta | None) -> Iterator[OldFile]:
    if period is None or period == FOREVER:
        return
    try:
        written_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:  # it is gone, or not to be read
        return
    yield OldFile(file, written_at + period)
