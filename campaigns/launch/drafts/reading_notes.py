"""How the reading of a draft's list stands: in a file while it goes on, in one for each purpose once it is over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from campaigns.definition.yaml_source import DefinitionFaults, FileFault
from campaigns.launch.drafts.file_drafts import FileDraft, no_such_draft
from dialer.errors import DialerError
from dialer.whole_file import whole_file

UNDER_WAY, STOP = "reading.json", "stop"
PATIENCE = timedelta(seconds=30)  # after which it is said that nothing has been heard of a worker


class NoReading(DialerError):
    """The list of the draft was never read for this purpose."""


class Purpose(StrEnum):
    """What a list is read for."""

    CHECK = "check"
    PLAN = "plan"
    START = "start"
    APPEND = "append"


class ReadingStage(StrEnum):
    """How far the reading of a list is."""

    WAITING = "waiting"  # for a worker
    READING = "reading"
    WRITING = "writing"  # of an append: its rows into the ledger
    DONE = "done"
    FAILED = "failed"  # the list, the definition or the ledger does not allow what was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFault:
    """Why it failed: the class of the error, its words, and the faults of the definition."""

    kind: str
    message: str
    remedy: str
    faults: Sequence[FileFault] = ()

    @classmethod
    def of(cls, error: DialerError) -> ReadingFault:
        """An error as it is kept."""
        faults = error.faults if isinstance(error, DefinitionFaults) else ()
        return cls(kind=type(error).__name__, message=error.message, remedy=error.remedy, faults=faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingNote:
    """The last reading of a list for one purpose, and how far it is.

    order          what was asked for beside the purpose
    heard_at       when a worker last said how far it is; None before it was handed to one
    tries          how often it was begun
    rows_read      so far, of about `rows_expected`; that is 0 until the list is opened
    rows_written   so far, into the ledger; a start enters its contacts as their rows are read
    begun          what whoever takes it up again has to know of what was begun
    result         once it is done, as JSON
    fault          once it has failed
    """

    purpose: Purpose
    stage: ReadingStage
    asked_at: datetime
    asked_by: str
    order: Mapping[str, Any] = field(default_factory=dict)
    heard_at: datetime | None = None
    tries: int = 0
    rows_read: int = 0
    rows_expected: int = 0
    rows_written: int = 0
    begun: Mapping[str, str] | None = None
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    fault: ReadingFault | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self.stage in (ReadingStage.DONE, ReadingStage.FAILED)

    def trouble(self, now: datetime) -> str:
        """What keeps it, in words; blank where nothing does."""
        if self.is_over:
            return ""
        if self.stage is ReadingStage.WAITING:
            late = now - self.asked_at > PATIENCE
            return (
                "no worker has taken it up yet: is one running, with the data folder of this console?" if late else ""
            )
        if self.heard_at and now - self.heard_at > PATIENCE:
            return "nothing has been heard of the worker that reads the list: another one will begin anew"
        return ""


def note_of(draft: FileDraft, purpose: Purpose) -> ReadingNote:
    """The last reading of a draft's list for this purpose, under way or over. Raises NoReading."""
    under_way = note_under_way(draft)
    if under_way is not None and under_way.purpose is purpose:
        return _done(under_way, draft) if draft.started else under_way
    with suppress(FileNotFoundError):
        return _kept(draft, f"{purpose}.json")
    remedy = f"POST /api/v1/campaigns/{draft.id}/{purpose}"
    raise NoReading(f"the list of {draft.id} was not read for a {purpose}", remedy)


def _done(note: ReadingNote, draft: FileDraft) -> ReadingNote:
    """Of a start whose process has ended before it could say that it is done."""
    return replace(note, stage=ReadingStage.DONE, result={"campaign": draft.started})


def note_under_way(draft: FileDraft) -> ReadingNote | None:
    """The reading that goes on, or waits for a worker; None where there is none."""
    with suppress(FileNotFoundError):
        return _kept(draft, UNDER_WAY)
    return None


def write_note(draft: FileDraft, note: ReadingNote) -> None:
    """Keep how far it is; once it is over, in the place of the one before. Raises NoSuchDraft: it was removed."""
    try:
        with whole_file(draft.folder / (f"{note.purpose}.json" if note.is_over else UNDER_WAY)) as stream:
            json.dump(asdict(note), stream, default=str)
    except FileNotFoundError:
        raise no_such_draft(draft.id) from None
    if note.is_over:
        forget_under_way(draft)


def ask_to_stop(draft: FileDraft, who: str) -> None:
    """Have whoever reads the list stop. Raises NoSuchDraft: it was removed."""
    try:
        with whole_file(draft.folder / STOP) as stream:
            stream.write(who)
    except FileNotFoundError:
        raise no_such_draft(draft.id) from None


def asked_to_stop(draft: FileDraft) -> str | None:
    """Who wants whoever reads the list to stop; None where nobody does."""
    with suppress(FileNotFoundError):
        return (draft.folder / STOP).read_text("utf-8")
    return None


def forget_under_way(draft: FileDraft) -> None:
    """Remove the note of what goes on."""
    for name in (UNDER_WAY, STOP):
        (draft.folder / name).unlink(missing_ok=True)


def forget_readings(draft: FileDraft) -> None:
    """Remove all notes: the draft has changed, and they speak of what it was before."""
    forget_under_way(draft)
    for purpose in Purpose:
        (draft.folder / f"{purpose}.json").unlink(missing_ok=True)


def _kept(draft: FileDraft, name: str) -> ReadingNote:
    facts: dict[str, Any] = json.loads((draft.folder / name).read_text("utf-8"))
    for moment in ("asked_at", "heard_at"):
        facts[moment] = facts[moment] and datetime.fromisoformat(facts[moment])
    if (fault := facts["fault"]) is not None:
        faults = [FileFault(**of_file) for of_file in fault["faults"]]
        facts["fault"] = ReadingFault(**fault | {"faults": faults})
    return ReadingNote(**facts | {"purpose": Purpose(facts["purpose"]), "stage": ReadingStage(facts["stage"])})
