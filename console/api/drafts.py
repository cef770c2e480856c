"""Drafts: campaigns that were created with their lists, and wait to be checked and started."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from campaigns.launch.drafts import file_drafts, new_drafts
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.new_drafts import Cell
from campaigns.operations.api_tokens import Scope
from console.api.uploads import LIST_PART, MAX_JSON, MAX_ROWS, MAX_UPLOAD, multipart_body
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.body import put_upload
from console.server.state import AppState, InjectedState

router = api_router("drafts")

MAX_DEFINITION = 128 << 10
DEFINITION_PART = {"type": "string", "description": "The campaign file: YAML or JSON."}
UPLOAD = multipart_body("CampaignUpload", {"definition": DEFINITION_PART, "list": LIST_PART}, ["definition", "list"])


class NewCampaign(BaseModel):
    """A campaign to be created: its definition, and its contacts as rows."""

    model_config = ConfigDict(extra="forbid")

    definition: str | dict[str, Any] = Field(description="The campaign file, as YAML in a text or as an object.")
    contacts: list[dict[str, Cell]] = Field(
        [],
        max_length=MAX_ROWS,
        description="Rows by the names of their columns, as in a list; a standing campaign has none.",
    )


class Draft(BaseModel):
    """A campaign that was created and waits to be started. Every path with a campaign's id takes its id."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    account: str
    created_at: datetime
    created_by: str
    scheduled: bool = Field(description="A schedule launches it.")
    started: str | None = Field(description="The campaign that it became.")


class Drafts(BaseModel):
    """What waits to be started."""

    items: list[Draft]


@router.post("/campaigns", **needs(Scope.CAMPAIGNS, most_bytes=MAX_JSON, status=201))
def create_campaign(given: NewCampaign, response: Response, state: InjectedState, caller: InjectedCaller) -> Draft:
    """Keep a definition and its contacts, to be checked and started. Nobody is called."""
    text = given.definition if isinstance(given.definition, str) else new_drafts.yaml_of(given.definition)
    draft = _create(state, caller, text, new_drafts.rows_as_csv(given.contacts), "list.csv")
    return _created(draft, response)


@router.post("/campaigns/upload", **needs(Scope.CAMPAIGNS, most_bytes=MAX_UPLOAD, status=201, **UPLOAD))
async def upload_campaign(request: Request, response: Response, state: InjectedState, caller: InjectedCaller) -> Draft:
    """The same with the list as a file. The parts arrive in a temporary file, whatever their size."""
    async with request.form(max_files=2, max_fields=4, max_part_size=MAX_DEFINITION) as form:
        if sorted(name for name, _ in form.multi_items()) != ["definition", "list"]:
            raise HTTPException(422, "the parts are definition and list, each once, as multipart/form-data")
        definition, sent = form["definition"], form["list"]
        if not isinstance(sent, UploadFile):
            raise HTTPException(422, "list: it is a file, with a name")
        if isinstance(definition, UploadFile):
            definition = (await definition.read(MAX_DEFINITION)).decode("utf-8", "replace")

        def put(file: Path) -> None:
            put_upload(sent, file)

        draft = await to_thread.run_sync(_create, state, caller, definition, put, sent.filename or "")
    return _created(draft, response)


@router.get("/drafts", **needs(Scope.CAMPAIGNS))
def list_drafts(state: InjectedState) -> Drafts:
    """What was created and not started, the newest first. It is kept for a week."""
    return Drafts(items=[Draft.model_validate(draft) for draft in file_drafts.listed(state.settings.data_dir)])


@router.get("/drafts/{draft_id}", **needs(Scope.CAMPAIGNS))
def show_draft(draft_id: str, state: InjectedState) -> Draft:
    """What was created, and the campaign that it became."""
    return Draft.model_validate(file_drafts.find(state.settings.data_dir, draft_id))


@router.delete("/drafts/{draft_id}", **needs(Scope.CAMPAIGNS, status=204))
def remove_draft(draft_id: str, state: InjectedState, caller: InjectedCaller) -> None:
    """Remove what was created, with its list; a campaign that it became goes on."""
    draft = file_drafts.find(state.settings.data_dir, draft_id)
    file_drafts.remove(state.ledger, draft, who=caller.name, now=state.clock())


def _create(
    state: AppState, caller: Caller, definition: str, put_list: new_drafts.PutList | None, list_name: str
) -> FileDraft:
    return new_drafts.create(
        state.ledger,
        state.settings.data_dir,
        definition,
        put_list,
        list_name=list_name,
        who=caller.name,
        now=state.clock(),
    )


def _created(draft: FileDraft, response: Response) -> Draft:
    response.headers["Location"] = f"/api/v1/drafts/{draft.id}"
    return Draft.model_validate(draft)
