"""How the reading of a list stands, as programs are told: what every purpose has in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, Field

from campaigns.launch.drafts.reading_notes import ReadingFault, ReadingNote, ReadingStage
from console.server.problems import Problem, kept_problem
from console.server.state import AppState


class ReadingState(BaseModel):
    """How far the reading of a list is; what came of it stands beside."""

    state: ReadingStage
    asked_at: datetime
    asked_by: str
    rows_read: int = Field(description="So far.")
    rows_expected: int = Field(description="About how many the list has; 0 until it is opened.")
    rows_written: int = Field(
        description="So far, into the ledger: of an append. A start enters its contacts as their rows are read."
    )
    trouble: str = Field(description="What keeps it; blank where nothing does.")
    problem: Problem | None = Field(description="Why it has failed.")


def state_facts(note: ReadingNote, state: AppState) -> dict[str, Any]:
    """The facts of a ReadingState."""
    return {
        "state": note.stage,
        "asked_at": note.asked_at,
        "asked_by": note.asked_by,
        "rows_read": note.rows_read,
        "rows_expected": note.rows_expected,
        "rows_written": note.rows_written,
        "trouble": note.trouble(state.clock()),
        "problem": _problem(note.fault),
    }


def accepted(reading: ReadingState, location: str) -> Response:
    """The reply for a long list: how far it is, and where to ask again."""
    return Response(reading.model_dump_json(), 202, {"Location": location}, "application/json")


def also_202(model: type[BaseModel]) -> dict[int, object]:
    """The reply for a long list, as a route describes it."""
    return {202: {"model": model, "description": "A long list, which a worker reads: ask at `Location` how far it is."}}


def _problem(fault: ReadingFault | None) -> Problem | None:
    return None if fault is None else kept_problem(422, fault.kind, fault.message, fault.remedy, fault.faults)
