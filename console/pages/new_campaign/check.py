"""The step "check": the whole list is read; each row that cannot be called, with what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.drafts.draft_checks import checked_list
from campaigns.launch.drafts.reading_notes import Purpose
from campaigns.launch.guided.editing import DraftInWork
from campaigns.launch.guided.rejected_rows import first_rejected, rejects_to_download
from campaigns.operations.people import Role
from console.list_readings import begin_check
from console.pages.new_campaign.readings import problem_of, reading_facts, reading_of
from console.pages.new_campaign.steps import InjectedWork, go_to, step_page
from console.pages.said import with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import InjectedState
from dialer.errors import DialerError

ROWS_SHOWN = 100

router = page_router()


@router.get("/new/{draft_id}/check", **for_role(Role.EDITOR))
def check_page(request: Request, work: InjectedWork, state: InjectedState) -> HTMLResponse:
    """How the check stands: not asked for, under way, or what came of it."""
    return _page(request, work, state)


@router.post("/new/{draft_id}/check", **for_role(Role.EDITOR))
def check(request: Request, work: InjectedWork, state: InjectedState, person: InjectedPerson) -> Response:
    """Read the whole list: a short one now, a long one by a worker, whose progress the page shows."""
    try:
        begin_check(work.draft, state, person.name)
    except DefinitionFaults as exc:
        return _page(request, work, state, 422, problems=[problem_of(fault) for fault in exc.faults])
    except DialerError as exc:
        return _page(request, work, state, 422, problems=[(with_remedy(exc.message, exc.remedy), "")])
    return go_to("check", work)


@router.post("/new/{draft_id}/rejects.csv", **for_role(Role.EDITOR))
def download_rejects(work: InjectedWork, state: InjectedState, person: InjectedPerson) -> FileResponse:
    """All rejected rows, whole, each with its reason; a corrected file can be uploaded as a list."""
    file: Path | None = rejects_to_download(state.ledger, work.draft, who=person.name, now=state.clock())
    if file is None:
        raise HTTPException(404, "no row was rejected, or the list was not checked")
    return FileResponse(file, media_type="text/csv; charset=utf-8", filename=f"{work.definition.campaign}-rejects.csv")


def _page(request: Request, work: DraftInWork, state: InjectedState, status: int = 200, **facts: Any) -> HTMLResponse:
    note = reading_of(work, Purpose.CHECK)
    result = checked_list(note) if note else None
    rows = first_rejected(work.draft, ROWS_SHOWN) if result else []
    shown = {**reading_facts(note, state), "result": result, "rows": rows}
    return step_page("check", request, work, status=status, **shown | facts)
