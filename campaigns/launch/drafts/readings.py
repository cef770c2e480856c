"""Reads the lists of drafts, whatever for: a short list at once, a long one by a worker, which says how far it is.

What was asked for stands in a file of the draft until it is over. Ticks hand it to a worker, and to another one when
that worker is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from campaigns.audience.files.open_list import csv_bytes
from campaigns.audience.kept_lists import DRAFTS, LIST
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import AlreadyStarted, BeingRead, FileDraft, NoSuchDraft, alone
from campaigns.launch.drafts.reading_notes import (
    UNDER_WAY,
    Purpose,
    ReadingFault,
    ReadingNote,
    ReadingStage,
    ask_to_stop,
    asked_to_stop,
    forget_under_way,
    note_under_way,
    write_note,
)
from campaigns.ledger.store import LedgerUnavailable
from dialer.errors import DialerError

AT_ONCE_BYTES = 256 << 10  # of some thousand rows, which are read and written in a second or two
TAKEN_WITHIN = timedelta(seconds=15)  # by a worker, or it is handed to another one
NOTED_EVERY = 1.0  # seconds between two notes of how far the reading is
MOST_TRIES = 3

T = TypeVar("T")
Clock = Callable[[], datetime]


class CutOff(DialerError):
    """The process that read the list ended before it was done."""


class Stopped(DialerError):
    """A person or a program wanted the reading to stop."""


class Interrupted(Exception):
    """This process is told to end: another one reads the list."""


class Reading:
    """A reading under way, as whoever carries it out uses it."""

    def __init__(self, draft: FileDraft, note: ReadingNote, clock: Clock, stopping: Callable[[], bool]) -> None:
        self.draft, self.clock = draft, clock
        self._stopping = stopping
        again = replace(note, tries=note.tries + 1, rows_read=0, rows_written=0)
        self.note = replace(again, stage=ReadingStage.READING, heard_at=clock())
        write_note(draft, self.note)

    def progress(self, rows: Iterable[T], expected: int) -> Iterable[T]:
        """The rows, each noted as read; raises Interrupted when this process is told to end."""
        return self._noted(rows, "rows_read", {"rows_expected": expected})

    def writing(self, contacts: Iterable[T], expected: int) -> Iterable[T]:
        """The contacts of an append, each noted as written; raises Interrupted when this process is told to end."""
        return self._noted(contacts, "rows_written", {"stage": ReadingStage.WRITING})

    def refuse_stopped(self) -> None:
        """Raises Stopped when somebody wants it to stop."""
        if (who := asked_to_stop(self.draft)) is not None:
            raise _stopped(who)

    def begun(self, **facts: str) -> None:
        """Note what whoever takes this up again has to know. Raises NoSuchDraft: it was removed."""
        self._note(begun=facts)

    def done(self, rows: int, result: Mapping[str, Any]) -> ReadingNote:
        """Note what came of it."""
        self._note(stage=ReadingStage.DONE, rows_read=rows, rows_expected=rows, result=result)
        return self.note

    def _noted(self, items: Iterable[T], count_name: str, facts: Mapping[str, Any]) -> Iterable[T]:
        noted_at = time.monotonic()
        for count, item in enumerate(items, 1):
            yield item
            if time.monotonic() - noted_at >= NOTED_EVERY:
                if self._stopping():
                    raise Interrupted
                self.refuse_stopped()
                self._note(**facts, **{count_name: count})
                noted_at = time.monotonic()

    def _note(self, **facts: Any) -> None:
        self.note = replace(self.note, heard_at=self.clock(), **facts)
        write_note(self.draft, self.note)


CarryOut = Callable[[Reading], ReadingNote]
"""Does what a list is read for, and returns the note that says so; raises DialerError when it cannot be done."""


def is_long(draft: FileDraft) -> bool:
    """Whether its list is left to a worker."""
    return any(is_long_list(file) for file in draft.folder.glob(f"{LIST}.*"))


def is_long_list(list_: Path | BinaryIO) -> bool:
    """Whether a list is read by a worker, whatever it is read for."""
    if isinstance(list_, Path):
        with list_.open("rb") as stream:
            return csv_bytes(stream) > AT_ONCE_BYTES
    return csv_bytes(list_) > AT_ONCE_BYTES


def begin_reading(
    draft: FileDraft,
    purpose: Purpose,
    carry_out: CarryOut,
    *,
    order: Mapping[str, Any] | None = None,
    refuse: Callable[[], None] = lambda: None,
    who: str,
    clock: Clock,
) -> ReadingNote:
    """Read a draft's list: a short one now; a long one is left to a worker, and `note_of` says how far it is.

    Where a reading for the same purpose is under way, its note is returned. Raises BeingRead where one for another is,
    AlreadyStarted, what `refuse` raises, which is called first, and for a short list what `carry_out` raises.
    """
    asked = ReadingNote(
        purpose=purpose, stage=ReadingStage.WAITING, asked_at=clock(), asked_by=who, order=dict(order or {})
    )
    try:
        with alone(draft):
            return _begin(draft, asked, carry_out, refuse, clock)
    except BeingRead:
        under_way = note_under_way(draft)
        if under_way is None or not _is_same(under_way, asked):
            raise
        return under_way


def _begin(
    draft: FileDraft, asked: ReadingNote, carry_out: CarryOut, refuse: Callable[[], None], clock: Clock
) -> ReadingNote:
    note, by_a_worker = note_under_way(draft), is_long(draft)
    if note is not None and by_a_worker:
        if not _is_same(note, asked):
            raise BeingRead(f"the list of {draft.id} waits to be read for a {note.purpose}", "wait until it was")
        return note
    try:
        if note is None or not _is_same(note, asked):  # else the process that has begun it is gone
            forget_under_way(draft)
            write_note(draft, note := asked)
            refuse()
        return note if by_a_worker else carry_out(Reading(draft, note, clock, lambda: False))
    except BaseException:
        forget_under_way(draft)
        raise


def _is_same(earlier: ReadingNote, asked: ReadingNote) -> bool:
    return earlier.purpose is asked.purpose and earlier.order == asked.order


def stop_reading(draft: FileDraft, purpose: Purpose, *, who: str) -> None:
    """Have the reading for this purpose stopped: `note_of` says when it is. Nothing where none is under way."""
    note = note_under_way(draft)
    if note is None or note.purpose is not purpose:
        return
    ask_to_stop(draft, who)
    with suppress(BeingRead, AlreadyStarted), alone(draft):  # nobody reads it
        note = note_under_way(draft)
        if note is not None:
            _write_failed(draft, note, _stopped(who))


def unfinished_readings(data_folder: Path, now: datetime) -> list[str]:
    """The drafts whose list is to be handed to a worker now: no worker has it, or the one that had it is gone."""
    draft_ids = []
    for file in (data_folder / DRAFTS).glob(f"*/{UNDER_WAY}"):
        with suppress(NoSuchDraft, AlreadyStarted, BeingRead):
            draft = file_drafts.find_any(data_folder, file.parent.name)
            with alone(draft):
                note = note_under_way(draft)
                if note is not None and _is_to_be_handed_out(note, now):
                    write_note(draft, replace(note, stage=ReadingStage.WAITING, heard_at=now))
                    draft_ids.append(draft.id)
    return draft_ids


def _is_to_be_handed_out(note: ReadingNote, now: datetime) -> bool:
    return note.stage is not ReadingStage.WAITING or not note.heard_at or now - note.heard_at > TAKEN_WITHIN


def carry_out_reading(
    data_folder: Path,
    draft_id: str,
    purposes: Mapping[Purpose, CarryOut],
    *,
    clock: Clock,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Carry out a reading that waits, unless another worker does, or the draft is started or removed.

    An error is written down as its result. Raises LedgerUnavailable: then it goes on waiting.
    """
    with suppress(NoSuchDraft, AlreadyStarted, BeingRead):
        draft = file_drafts.find_any(data_folder, draft_id)
        with alone(draft):
            note = note_under_way(draft)
            if note is not None:
                _carry_out(draft, note, purposes[note.purpose], clock, stopping)


def _carry_out(
    draft: FileDraft, note: ReadingNote, carry_out: CarryOut, clock: Clock, stopping: Callable[[], bool]
) -> None:
    if note.tries >= MOST_TRIES:
        error = CutOff(f"reading the list was cut off {note.tries} times", "see the logs of the workers")
        _write_failed(draft, note, error)
        return
    reading = Reading(draft, note, clock, stopping)
    try:
        carry_out(reading)
    except (Interrupted, LedgerUnavailable) as exc:
        write_note(draft, replace(reading.note, stage=ReadingStage.WAITING, tries=note.tries, heard_at=clock()))
        if isinstance(exc, LedgerUnavailable):
            raise
    except DialerError as exc:
        _write_failed(draft, reading.note, exc)


def _write_failed(draft: FileDraft, note: ReadingNote, error: DialerError) -> None:
    write_note(draft, replace(note, stage=ReadingStage.FAILED, fault=ReadingFault.of(error)))


def _stopped(who: str) -> Stopped:
    return Stopped(f"{who} has stopped it", "ask for it again when it is wanted")
