"""Erasure in files: removes an erased number from reports, rejects files and archives that were written before."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from campaigns.audience.files.download import downloaded_lists
from campaigns.audience.files.open_list import all_records
from campaigns.audience.kept_lists import kept_lists
from campaigns.audience.rejects import OWN_COLUMNS
from campaigns.ledger.numbers.erasures import ERASED
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, schedules
from campaigns.operations.archives.archive_erasure import erase_in_archives
from campaigns.operations.erasure import campaigns_with_number
from campaigns.reporting.report import files_locked, report
from dialer.errors import DialerError
from dialer.phone import PhoneNumber, mentions
from dialer.whole_file import part_of

REPORTS = ("attempts", "contacts", "unknown", "follow-up")
KEPT = ("_line", "_column", "_code")  # of an erased reject: where it was in the list, and what was wrong
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedFiles:
    """Files that contained the number; the names are those of `erase --json`.

    rewritten  the number is gone
    left       the number is still there, or may be: the file could not be read or written, or is a list
    elsewhere  rejects files and archives of campaigns that are not on this machine
    """

    rewritten: Sequence[Path]
    left: Sequence[Path]
    elsewhere: Sequence[Path]


def erase_files(ledger: Ledger, number: PhoneNumber, folder: Path) -> ErasedFiles:
    """Write the reports of the number's campaigns in `folder` again, and remove it from rejects files and archives.

    Call it after `erase`. A rejected row keeps its line, column and code. Lists that were downloaded from a URL are
    returned in `left`, unchanged: the next run downloads them again. So are lists of campaigns that were not started.
    """
    with files_locked(folder):  # before the reports: it waits for those that began before the erasure
        emptied, left, elsewhere = _empty_rejects(ledger, number, folder)
    rewritten, failed = _rewrite_reports(ledger, number, folder)
    archives = erase_in_archives(ledger, ledger.hashes(number.e164))
    kept_reports = [file for campaign_id in archives.campaigns for file in _reports_of(campaign_id, folder)]
    kept = [*_downloaded(ledger), *kept_lists(folder.absolute().parent), *kept_reports]
    mentioning = [file for file in kept if _may_mention(file, number)]
    return ErasedFiles(
        rewritten=[*rewritten, *emptied, *archives.rewritten],
        left=[*failed, *left, *mentioning, *archives.left],
        elsewhere=[*elsewhere, *archives.elsewhere],
    )


def _empty_rejects(ledger: Ledger, number: PhoneNumber, folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """The rejects files that had the number, those that cannot be read or written, and those not on this machine."""
    files = _rejects_files(ledger)
    emptied: list[Path] = []
    left: list[Path] = []
    for part in folder.absolute().glob(".*.csv*.part"):  # of a process that was killed
        try:
            part.unlink(missing_ok=True)
        except OSError:
            left.append(part)
    for file in sorted({*folder.absolute().glob("*-rejects.csv"), *(file for file in files if file.is_file())}):
        try:
            if _remove_from(file, number):
                emptied.append(file)
        except (OSError, csv.Error, UnicodeError):
            left.append(file)
    return emptied, left, sorted(file for file in files if not file.is_file())


def _rewrite_reports(ledger: Ledger, number: PhoneNumber, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the reports again from the ledger; returns the files written, and those that could not be."""
    rewritten: list[Path] = []
    failed: list[Path] = []
    for campaign_id in campaigns_with_number(ledger, number):
        existing = _reports_of(campaign_id, folder)
        if not existing:
            continue
        try:
            report(ledger, campaign_id, folder)
        except OSError:
            failed += existing
        else:
            rewritten += [file for file in existing if file.is_file()]
    return rewritten, failed


def _reports_of(campaign_id: str, folder: Path) -> list[Path]:
    return [file for kind in REPORTS if (file := folder.absolute() / f"{campaign_id}-{kind}.csv").is_file()]


def _rejects_files(ledger: Ledger) -> list[Path]:
    """The rejects files of all campaigns; those of checks are found in the folder."""
    with ledger.reading() as db:
        return [Path(file) for file in db.scalars(select(campaigns.c.rejects_file).distinct()) if file]


def _remove_from(file: Path, number: PhoneNumber) -> bool:
    """Empty the rows of a rejects file that contain the number; False when none does.

    Raises OSError, also when the file changes all the time; csv.Error when it is no rejects file.
    """
    for _ in range(TRIES):
        before = file.stat()
        with part_of(file) as part:
            if not _copy_without(file, part, number):
                return False
            after = file.stat()
            if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
                part.replace(file)
                return True
    raise OSError("it is being written to")


def _copy_without(file: Path, part: Path, number: PhoneNumber) -> int:
    """Write the file to `part` with the rows emptied that contain the number; returns how many."""
    emptied = 0
    with file.open(encoding="utf-8-sig", newline="") as old, part.open("w", encoding="utf-8-sig", newline="") as new:
        rows, writer = csv.reader(old), csv.writer(new, quoting=csv.QUOTE_ALL)
        header = next(rows, [])
        if not set(OWN_COLUMNS) <= set(header):
            raise csv.Error("this is no file of ours")
        writer.writerow(header)
        for row in rows:
            contains_number = any(mentions(cell, number) for cell in row)
            writer.writerow(_emptied(row, header) if contains_number else row)
            emptied += contains_number
    shutil.copymode(file, part)
    return emptied


def _emptied(row: Sequence[str], header: Sequence[str]) -> list[str]:
    """The row with nothing but its KEPT cells; the list may have columns of the same names before ours."""
    first_own = len(header) - len(OWN_COLUMNS)
    kept = {index: cell for index, (name, cell) in enumerate(zip(header, row, strict=False)) if name in KEPT}
    kept = {index: cell for index, cell in kept.items() if index >= first_own}
    reason = first_own + OWN_COLUMNS.index("_reason")
    return [ERASED if index == reason else kept.get(index, "") for index in range(len(header))]


def _downloaded(ledger: Ledger) -> Iterator[Path]:
    """The lists that recurring campaigns downloaded last, also where the campaign file does not exist any more."""
    with ledger.reading() as db:
        recurring = db.execute(select(schedules.c.file, schedules.c.name)).all()
    for file, name in recurring:
        yield from downloaded_lists(Path(file).parent, name)


def _may_mention(file: Path, number: PhoneNumber) -> bool:
    """Whether a list contains the number; True also when it cannot be read."""
    try:
        return any(mentions(cell, number) for row in all_records(file) for cell in row.cells)
    except (DialerError, OSError, csv.Error, UnicodeError):
        return True
