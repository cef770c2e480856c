"""Checks of drafts: a short list is read at once; a long one by a worker, which says meanwhile how far it is.

A check that was asked for stands in a file of its draft until it is over. Ticks hand it to a worker, and to another one
when that worker is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from campaigns.audience.kept_lists import DRAFTS, LIST
from campaigns.audience.progress import ProgressBar, no_progress
from campaigns.launch.checking.checks import CheckResult, check
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.check_notes import (
    ASKED,
    CheckedList,
    CheckFault,
    CheckNote,
    CheckStage,
    NoCheck,
    note_of,
    remove_notes,
    write_note,
)
from campaigns.launch.drafts.file_drafts import AlreadyStarted, BeingRead, FileDraft, NoSuchDraft, alone, paths_left_out
from campaigns.launch.exclusions import Exclusions
from campaigns.ledger.store import Ledger, LedgerUnavailable
from dialer.account_settings import AccountSettings
from dialer.errors import DialerError

AT_ONCE_BYTES = 2 << 20  # a list as short as this is read in a second or two
TAKEN_WITHIN = timedelta(seconds=15)  # by a worker, or the check is handed to another one
NOTED_EVERY = 1.0  # seconds between two notes of how far the reading is
MOST_TRIES = 3

T = TypeVar("T")
Clock = Callable[[], datetime]
Accounts = Mapping[str, AccountSettings]


class CutOff(DialerError):
    """Whatever process read the list ended before it was done."""


class Interrupted(Exception):
    """This process is told to end: another one reads the list."""


def check_draft(
    ledger: Ledger,
    draft: FileDraft,
    accounts: Accounts,
    *,
    now: datetime,
    keep: bool = False,
    progress: ProgressBar = no_progress,
) -> CheckResult:
    """Read the whole list as `dialer check` does; all rejects are in `rejects_file`. Raises what `check` raises."""
    with paths_left_out(draft.folder):
        checked = check(
            draft.file,
            accounts,
            exclusions_for=lambda definition: Exclusions(ledger, definition, now),
            keep=keep,
            progress=progress,
        )
        draft.rejects_file.unlink(missing_ok=True)
        checked.write_rejects(draft.folder, file_drafts.REJECTS.removesuffix("-rejects.csv"))
    return checked


def begin_check(ledger: Ledger, draft: FileDraft, accounts: Accounts, *, who: str, clock: Clock) -> CheckNote:
    """Check a draft: a short list now; a long one is left to a worker, and `note_of` says how far it is.

    Where a check is under way already, it is that one. Raises AlreadyStarted, and for a short list what `check` raises.
    """
    with suppress(NoCheck):
        if not (earlier := note_of(draft)).is_over:
            return earlier
    with alone(draft):
        note = CheckNote(stage=CheckStage.WAITING, asked_at=clock(), asked_by=who)
        write_note(draft, note)
        if sum(file.stat().st_size for file in draft.folder.glob(f"{LIST}.*")) > AT_ONCE_BYTES:
            return note
        try:
            return _read(ledger, draft, note, accounts, clock)
        finally:
            remove_notes(draft, ASKED)


def unfinished_checks(data_folder: Path, now: datetime) -> list[str]:
    """The drafts whose check is to be handed to a worker now: no worker has it, or the one that had it is gone."""
    draft_ids = []
    for file in (data_folder / DRAFTS).glob(f"*/{ASKED}"):
        with suppress(NoSuchDraft, NoCheck, AlreadyStarted, BeingRead):
            draft = file_drafts.find(data_folder, file.parent.name)
            with alone(draft):
                note = note_of(draft)
                if note.stage is CheckStage.READING or not note.heard_at or now - note.heard_at > TAKEN_WITHIN:
                    write_note(draft, replace(note, stage=CheckStage.WAITING, heard_at=now))
                    draft_ids.append(draft.id)
    return draft_ids


def carry_out_check(
    ledger: Ledger,
    data_folder: Path,
    draft_id: str,
    accounts: Accounts,
    *,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Carry out a check that waits, unless another worker does, or the draft is started or removed.

    What the list or the definition lacks is written down as its result. Raises LedgerUnavailable: it goes on waiting.
    """
    with suppress(NoSuchDraft, NoCheck, AlreadyStarted, BeingRead):
        draft = file_drafts.find(data_folder, draft_id)
        with alone(draft):
            note = note_of(draft)
            if not note.is_over:
                _carry_out(ledger, draft, note, accounts, clock, stopping)


def _carry_out(
    ledger: Ledger, draft: FileDraft, note: CheckNote, accounts: Accounts, clock: Clock, stopping: Callable[[], bool]
) -> None:
    if note.tries >= MOST_TRIES:
        fault = CheckFault.of(CutOff(f"reading the list was cut off {note.tries} times", "see the logs of the workers"))
        write_note(draft, replace(note, stage=CheckStage.FAILED, fault=fault))
        return
    try:
        _read(ledger, draft, note, accounts, clock, stopping)
    except (Interrupted, LedgerUnavailable) as exc:
        write_note(draft, replace(note, stage=CheckStage.WAITING, heard_at=clock()))
        if isinstance(exc, LedgerUnavailable):
            raise
    except DialerError as exc:
        write_note(draft, replace(note, stage=CheckStage.FAILED, heard_at=clock(), fault=CheckFault.of(exc)))


def _read(
    ledger: Ledger,
    draft: FileDraft,
    note: CheckNote,
    accounts: Accounts,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> CheckNote:
    """Read the list, and note how far it is, then the result. Raises what `check` raises, and Interrupted."""
    note = replace(note, stage=CheckStage.READING, tries=note.tries + 1, heard_at=clock())
    write_note(draft, note)

    def noted(rows: Iterable[T], expected: int) -> Iterable[T]:
        noted_at = time.monotonic()
        for count, row in enumerate(rows, 1):
            yield row
            if time.monotonic() - noted_at >= NOTED_EVERY:
                if stopping():
                    raise Interrupted
                write_note(draft, replace(note, heard_at=clock(), rows_read=count, rows_expected=expected))
                noted_at = time.monotonic()

    checked = check_draft(ledger, draft, accounts, now=clock(), progress=noted)
    now, rows = clock(), checked.summary.rows_read
    result = CheckedList.of(checked, now)
    done = replace(note, stage=CheckStage.DONE, heard_at=now, rows_read=rows, rows_expected=rows, result=result)
    write_note(draft, done)
    return done
