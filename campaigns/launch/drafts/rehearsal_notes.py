"""How the rehearsal of a draft stands, in a file beside its list: asked for, under way, or what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from campaigns.audience.kept_lists import DRAFTS, LIST
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft, NoSuchDraft, no_such_draft
from dialer.errors import DialerError
from dialer.whole_file import whole_file

NOTE = "rehearsal.json"
SILENCE = timedelta(seconds=60)  # after which whoever carries it out is taken to be gone
TAKEN_WITHIN = timedelta(seconds=15)  # by a worker, or it is handed to another one
PATIENCE = timedelta(seconds=30)  # after which it is said that no worker has taken it up
MOST_TRIES = 3


class NoRehearsal(DialerError):
    """The draft was never rehearsed."""


class RehearsalStage(StrEnum):
    """How far the rehearsal of a draft is."""

    WAITING = "waiting"  # for a worker
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalNote:
    """The last rehearsal of a draft, and how far it is.

    version   of the campaign file and its list, as they were when it was asked for
    begins    the moment from which it is rehearsed
    heard_at  when it was last heard of; None before it was handed to a worker
    now       the moment by its own clock; `final` of so many `contacts` are final by then
    facts     what came of it, as `dialer rehearse FILE --json` has it
    message   why it failed, and what to do about it
    """

    stage: RehearsalStage
    version: str
    asked_at: datetime
    begins: datetime
    seed: int
    heard_at: datetime | None = None
    tries: int = 0
    now: datetime | None = None
    final: int = 0
    contacts: int = 0
    facts: Mapping[str, Any] | None = field(default=None, repr=False)
    message: str = ""
    remedy: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self.stage in (RehearsalStage.DONE, RehearsalStage.FAILED)

    def trouble(self, now: datetime) -> str:
        """What keeps it, in words; blank where nothing does."""
        if self.stage is RehearsalStage.WAITING and now - self.asked_at > PATIENCE:
            return "no worker has taken it up yet: is one running, with the data folder of this console?"
        return ""


def version_of(draft: FileDraft) -> str:
    """A text that is another one after each change of the campaign file or its list."""
    content = hashlib.sha256(draft.file.read_bytes())
    for file in sorted(draft.folder.glob(f"{LIST}.*")):
        about = file.stat()
        content.update(f"{file.name} {about.st_size} {about.st_mtime_ns}".encode())
    return content.hexdigest()[:16]


def rehearsal_of(draft: FileDraft) -> RehearsalNote:
    """The last rehearsal of the draft as it is. Raises NoRehearsal, also where the draft has changed since."""
    with suppress(FileNotFoundError):
        facts = json.loads((draft.folder / NOTE).read_text("utf-8"))
        for name in ("asked_at", "begins", "heard_at", "now"):
            facts[name] = facts[name] and datetime.fromisoformat(facts[name])
        note = RehearsalNote(**facts | {"stage": RehearsalStage(facts["stage"])})
        if note.version == version_of(draft):
            return note
    raise NoRehearsal(f"{draft.id} was not rehearsed as it is now", f"POST /api/v1/campaigns/{draft.id}/rehearse")


def ask_for_rehearsal(draft: FileDraft, *, begins: datetime, seed: int, now: datetime) -> RehearsalNote:
    """Ask for a rehearsal, which a worker carries out; where one is under way already, it is that one.

    Raises AlreadyStarted.
    """
    file_drafts.refuse_started(draft)
    with suppress(NoRehearsal):
        if not (earlier := rehearsal_of(draft)).is_over:
            return earlier
    note = RehearsalNote(
        stage=RehearsalStage.WAITING, version=version_of(draft), asked_at=now, begins=begins, seed=seed
    )
    write_rehearsal(draft, note)
    return note


def write_rehearsal(draft: FileDraft, note: RehearsalNote) -> None:
    """Keep how far it is, or what came of it. Raises NoSuchDraft: it was removed."""
    try:
        with whole_file(draft.folder / NOTE) as stream:
            json.dump(asdict(note), stream, default=_json_form)
    except FileNotFoundError:
        raise no_such_draft(draft.id) from None


def rehearsals_to_carry_out(data_folder: Path, now: datetime) -> list[str]:
    """The drafts whose rehearsal is to be handed to a worker now: no worker has it, or the one that had it is gone."""
    draft_ids = []
    for file in (data_folder / DRAFTS).glob(f"*/{NOTE}"):
        with suppress(NoSuchDraft, NoRehearsal):
            draft = file_drafts.find(data_folder, file.parent.name)
            note = rehearsal_of(draft)
            patience = SILENCE if note.stage is RehearsalStage.RUNNING else TAKEN_WITHIN
            if not note.is_over and (note.heard_at is None or now - note.heard_at > patience):
                draft_ids.append(draft.id)
                write_rehearsal(draft, _handed_out(note, now))
    return draft_ids


def _handed_out(note: RehearsalNote, now: datetime) -> RehearsalNote:
    return replace(note, stage=RehearsalStage.WAITING, heard_at=now)


def _json_form(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
