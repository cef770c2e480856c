"""Traces: where an erased person still stands in the files that we have written, and taking them out there."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from campaigns.audience.download import downloaded_lists
from campaigns.audience.open_list import all_records
from campaigns.audience.rejects import OWN_COLUMNS
from campaigns.ledger.erasures import ERASED
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import campaigns, schedules
from campaigns.operations.erasure import campaigns_of
from campaigns.reporting.report import files_locked, report
from dialer.errors import DialerError
from dialer.phone import PhoneNumber, mentions

REPORTS = ("attempts", "contacts", "unknown", "follow-up")
KEPT = ("_line", "_column", "_code")  # of a reject: where it stood, and what was wrong
TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedFiles:
    """Files that held the person: those written anew without, those that still do, and those that are not here."""

    rewritten: Sequence[Path]
    left: Sequence[Path]
    elsewhere: Sequence[Path]


def erase_files(ledger: Ledger, number: PhoneNumber, folder: Path) -> ErasedFiles:
    """Write the reports of an erased person's campaigns anew, and every rejects file that names the number.

    A rejected row keeps its line and its code. Lists fetched from a URL are only named: the next run fetches anew.
    """
    with files_locked(folder):  # first, for it waits for reports that were begun before the erasure
        emptied, left, elsewhere = _empty_rejects(ledger, number, folder)
    rewritten, failed = _report_again(ledger, number, folder)
    fetched = [file for file in _fetched(ledger) if _names(file, number)]
    return ErasedFiles(rewritten=rewritten + emptied, left=failed + left + fetched, elsewhere=elsewhere)


def _empty_rejects(ledger: Ledger, number: PhoneNumber, folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """The files that named the number, those that cannot be read or written, and those that are not here."""
    named = _rejects_files(ledger)
    emptied: list[Path] = []
    left: list[Path] = []
    for half in folder.absolute().glob(".*-rejects.csv.part"):  # an erasure was killed
        try:
            half.unlink(missing_ok=True)
        except OSError:
            left.append(half)
    for file in sorted({*folder.absolute().glob("*-rejects.csv"), *(file for file in named if file.is_file())}):
        try:
            if _without(file, number):
                emptied.append(file)
        except (OSError, csv.Error, UnicodeError):
            left.append(file)
    return emptied, left, sorted(file for file in named if not file.is_file())


def _report_again(ledger: Ledger, number: PhoneNumber, folder: Path) -> tuple[list[Path], list[Path]]:
    """Reports tell what the ledger knows, so they are told again; those that could not be are the second list."""
    done: list[Path] = []
    failed: list[Path] = []
    for campaign_id in campaigns_of(ledger, number):
        there = [file for kind in REPORTS if (file := folder.absolute() / f"{campaign_id}-{kind}.csv").is_file()]
        if not there:
            continue
        try:
            report(ledger, campaign_id, folder)
        except OSError:
            failed += there
        else:
            done += [file for file in there if file.is_file()]
    return done, failed


def _rejects_files(ledger: Ledger) -> list[Path]:
    """Those that campaigns have; the folder has those of checks too."""
    with ledger.reading() as db:
        return [Path(file) for file in db.scalars(select(campaigns.c.rejects_file).distinct()) if file]


def _without(file: Path, number: PhoneNumber) -> bool:
    """Empty the rows of a rejects file that name the number; False when none does."""
    for _ in range(TRIES):
        before, half = file.stat(), file.with_name(f".{file.name}.part")
        try:
            if not _copy_without(file, half, number):
                return False
            after = file.stat()
            if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
                half.replace(file)
                return True
        finally:
            half.unlink(missing_ok=True)
    raise OSError("it is being written to")


def _copy_without(file: Path, half: Path, number: PhoneNumber) -> int:
    half.touch(mode=0o600)
    emptied = 0
    with file.open(encoding="utf-8-sig", newline="") as old, half.open("w", encoding="utf-8-sig", newline="") as new:
        rows, writer = csv.reader(old), csv.writer(new, quoting=csv.QUOTE_ALL)
        header = next(rows, [])
        if not set(OWN_COLUMNS) <= set(header):
            raise csv.Error("this is no file of ours")
        writer.writerow(header)
        for row in rows:
            told = any(mentions(cell, number) for cell in row)
            writer.writerow(_emptied(row, header) if told else row)
            emptied += told
    shutil.copymode(file, half)
    return emptied


def _emptied(row: Sequence[str], header: Sequence[str]) -> list[str]:
    own = len(header) - len(OWN_COLUMNS)
    kept = {place: cell for place, (name, cell) in enumerate(zip(header, row, strict=False)) if name in KEPT}
    kept = {place: cell for place, cell in kept.items() if place >= own}
    reason = own + OWN_COLUMNS.index("_reason")
    return [ERASED if place == reason else kept.get(place, "") for place in range(len(header))]


def _fetched(ledger: Ledger) -> Iterator[Path]:
    """The lists that recurring campaigns have fetched last, also where the campaign file is gone."""
    with ledger.reading() as db:
        there = db.execute(select(schedules.c.file, schedules.c.name)).all()
    for file, name in there:
        yield from downloaded_lists(Path(file).parent, name)


def _names(file: Path, number: PhoneNumber) -> bool:
    """Whether a list names the number, or may: it cannot be read."""
    try:
        return any(mentions(cell, number) for row in all_records(file) for cell in row.cells)
    except (DialerError, OSError, csv.Error, UnicodeError):
        return True
