"""How the reading of a draft's list stands, as the steps show it: its progress, and why it has failed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from campaigns.definition.yaml_source import FileFault
from campaigns.launch.drafts.reading_notes import NoReading, Purpose, ReadingNote, note_of
from campaigns.launch.guided.editing import DraftInWork
from console.pages.readings import shown_reading
from console.pages.said import with_remedy
from console.server.state import AppState

STEP_OF = {"campaign": "columns", "contacts": "columns", "message": "message"}
Problem = tuple[str, str]
"""What is wrong, and the step at which it is corrected; blank where no step is."""


def reading_of(work: DraftInWork, purpose: Purpose) -> ReadingNote | None:
    """The last reading of the list for this purpose; None where there was none since the draft has changed."""
    with suppress(NoReading):
        return note_of(work.draft, purpose)
    return None


def reading_facts(note: ReadingNote | None, state: AppState) -> dict[str, Any]:
    """What a step's template shows of a reading: how far it is, what keeps it, why it has failed."""
    return {**shown_reading(note, state), "problems": _problems_of(note)}


def problem_of(fault: FileFault) -> Problem:
    """A fault of the campaign file as people are told it."""
    section = fault.key.partition(".")[0].partition("[")[0]
    words = f"{fault.key}: {fault.message}" if fault.key else fault.message
    return with_remedy(words, fault.suggestion), STEP_OF.get(section, "settings")


def _problems_of(note: ReadingNote | None) -> list[Problem]:
    if note is None or note.fault is None:
        return []
    return [problem_of(fault) for fault in note.fault.faults] or [
        (with_remedy(note.fault.message, note.fault.remedy), "")
    ]
