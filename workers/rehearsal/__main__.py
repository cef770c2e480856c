"""`python -m workers.rehearsal DRAFT`: carries out the rehearsal that was asked of a draft, and notes how far it is.

A process of its own: it computes for a minute, and a worker that dials must leave its event loop the time it needs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft, NoSuchDraft, paths_left_out
from campaigns.launch.drafts.rehearsal_notes import (
    MOST_TRIES,
    NoRehearsal,
    RehearsalNote,
    RehearsalStage,
    rehearsal_of,
    write_rehearsal,
)
from dialer import log_setup
from dialer.errors import DialerError
from workers.clock import now_utc
from workers.ledger import open_ledger
from workers.rehearsal.facts import rehearsal_facts
from workers.rehearsal.rehearsal import Standing, rehearse
from workers.settings import Settings, load

NOTED_EVERY = 1.0
GENTLY = 10  # the nice value: calls go first


def main(draft_id: str) -> None:
    """Carry out the rehearsal of this draft."""
    log_setup.set_up("ERROR", process="rehearsal")
    os.nice(GENTLY)
    carry_out(draft_id, load())


def carry_out(draft_id: str, settings: Settings) -> None:
    """Carry out a rehearsal that waits, and note how it went; nothing where it is over, or the draft has changed."""
    try:
        draft = file_drafts.find(settings.data_dir, draft_id)
        note = rehearsal_of(draft)
        if not note.is_over:
            write_rehearsal(draft, _carried_out(draft, note, settings))
    except (NoSuchDraft, NoRehearsal):
        pass  # it was removed, started or changed meanwhile


def _carried_out(draft: FileDraft, note: RehearsalNote, settings: Settings) -> RehearsalNote:
    """The note with what came of it."""
    if note.tries >= MOST_TRIES:
        message = f"it was cut off {note.tries} times"
        return replace(note, stage=RehearsalStage.FAILED, message=message, remedy="see the logs of the workers")
    note = replace(note, stage=RehearsalStage.RUNNING, tries=note.tries + 1, heard_at=now_utc())
    write_rehearsal(draft, note)
    noted_at = time.monotonic()

    def watch(standing: Standing) -> None:
        nonlocal noted_at
        if time.monotonic() - noted_at >= NOTED_EVERY:
            noted_at = time.monotonic()
            facts: dict[str, Any] = {"final": standing.final, "contacts": standing.contacts, "now": standing.now}
            write_rehearsal(draft, replace(note, heard_at=now_utc(), **facts))

    ledger = open_ledger(settings)
    try:
        with paths_left_out(draft.folder):
            rehearsed = rehearse(draft.file, settings, ledger, begins=note.begins, seed=note.seed, watch=watch)
    except DialerError as exc:
        return replace(note, stage=RehearsalStage.FAILED, message=exc.message, remedy=exc.remedy)
    finally:
        ledger.close()
    plain = json.loads(json.dumps(rehearsal_facts(rehearsed), default=_json_form))
    return replace(note, stage=RehearsalStage.DONE, heard_at=now_utc(), facts=plain)


def _json_form(value: Any) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    main(sys.argv[1])
