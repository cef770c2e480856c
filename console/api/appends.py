"""Rows that are appended to a campaign that goes on: a short list at once, a long one by a worker, with progress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from anyio import to_thread
from fastapi import HTTPException, Path, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from campaigns.audience.rejects import Reject
from campaigns.launch.drafts.append_draft import GivenList, find_append
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.new_drafts import Cell
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote, note_of
from campaigns.launch.drafts.readings import stop_reading
from campaigns.ledger.lists.appends import RowFate
from campaigns.operations.api_tokens import Scope
from console.api.campaigns import CampaignId
from console.api.motion import CONTACTS
from console.api.readings import ReadingState, accepted, also_202, state_facts
from console.api.rejected_rows import RejectedRow, rejected_row
from console.api.uploads import LIST_PART, MAX_JSON, MAX_ROWS, MAX_UPLOAD, multipart_body
from console.list_readings import begin_long_append
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.state import AppState, InjectedState

router = api_router("contacts")

SKIP_PART = {"type": "string", "enum": ["true", "false"], "default": "false"}
APPEND_UPLOAD = multipart_body("ContactsUpload", {"list": LIST_PART, "skip_rejects": SKIP_PART}, ["list"])
APPEND = "/campaigns/{campaign_id}/appends/{append_id}"
AppendId = Annotated[str, Path(max_length=200, description="As in the `Location` of the upload's reply.")]


class NewContacts(BaseModel):
    """Rows to append, by the names of the campaign's columns."""

    model_config = ConfigDict(extra="forbid")

    contacts: list[dict[str, Cell]] = Field(min_length=1, max_length=MAX_ROWS)
    skip_rejects: bool = Field(False, description="Append the good rows although some are bad.")


class AppendedContact(BaseModel):
    """What became of one row."""

    line: int
    key: str
    fate: RowFate
    contact_id: int | None
    reason: str = Field(description="Why it was left; else blank.")


class Appended(BaseModel):
    """What became of the rows; of them and of the rejects the first 1,000 are named."""

    campaign: str
    added: int
    changed: int
    same: int
    left: int
    rejected: int
    rows: list[AppendedContact]
    rejects: list[RejectedRow]


class AppendState(ReadingState):
    """How far the append of a long list is, and what became of its rows once it is done."""

    id: str
    campaign: str
    appended: Appended | None


@router.post(
    CONTACTS,
    response_model=Appended,
    **needs(Scope.CAMPAIGNS, most_bytes=MAX_JSON, also=also_202(AppendState)),
)
def append_contacts(
    campaign_id: CampaignId, given: NewContacts, state: InjectedState, caller: InjectedCaller
) -> Appended | Response:
    """Append rows to a campaign that goes on, checked as a start checks its list. Sent again, they change nothing.

    Many are appended by a worker (202).
    """
    return _append(campaign_id, GivenList.of_rows(given.contacts), given.skip_rejects, state, caller)


@router.post(
    f"{CONTACTS}/upload",
    response_model=Appended,
    **needs(Scope.CAMPAIGNS, most_bytes=MAX_UPLOAD, also=also_202(AppendState), **APPEND_UPLOAD),
)
async def append_uploaded_contacts(
    campaign_id: CampaignId, request: Request, state: InjectedState, caller: InjectedCaller
) -> Appended | Response:
    """The same with a file; a long one is appended by a worker (202)."""
    async with request.form(max_files=1, max_fields=2) as form:
        sent, skip = form.get("list"), form.get("skip_rejects", "false")
        if set(form) - {"list", "skip_rejects"} or not isinstance(sent, UploadFile) or skip not in ("true", "false"):
            raise HTTPException(422, "the parts are list (a file) and skip_rejects (true, false), each once")
        given = GivenList(content=sent.file, name=sent.filename or "list")
        return await to_thread.run_sync(_append, campaign_id, given, skip == "true", state, caller)


@router.get(APPEND, **needs(Scope.CAMPAIGNS))
def show_append(
    campaign_id: CampaignId, append_id: AppendId, state: InjectedState, caller: InjectedCaller
) -> AppendState:
    """How far the append of a long list is, or what came of it; it is known for a week."""
    draft = find_append(state.ledger, state.settings.data_dir, campaign_id, append_id)
    return _append_state(draft, note_of(draft, Purpose.APPEND), state, caller)


@router.delete(APPEND, **needs(Scope.CAMPAIGNS, status=202))
def stop_append(
    campaign_id: CampaignId, append_id: AppendId, state: InjectedState, caller: InjectedCaller
) -> AppendState:
    """Have an append under way stopped; rows that are in the campaign by then stay, and are withdrawn one by one."""
    draft = find_append(state.ledger, state.settings.data_dir, campaign_id, append_id)
    stop_reading(draft, Purpose.APPEND, who=caller.name)
    return _append_state(draft, note_of(draft, Purpose.APPEND), state, caller)


@router.get(
    f"{APPEND}/rejects.csv",
    response_class=FileResponse,
    **needs(Scope.CAMPAIGNS, ok={"content": {"text/csv": {"schema": {"type": "string"}}}}),
)
def list_append_rejects(
    campaign_id: CampaignId, append_id: AppendId, state: InjectedState, caller: InjectedCaller
) -> FileResponse:
    """All rows of the list that were rejected, whole, with their reasons; needs `numbers`, too."""
    draft = find_append(state.ledger, state.settings.data_dir, campaign_id, append_id)
    if not draft.rejects_file.is_file():
        raise HTTPException(404, "no row was rejected, or the file is not on this machine")
    caller.require(Scope.NUMBERS)
    return FileResponse(draft.rejects_file, media_type="text/csv")


def _append(
    campaign_id: str, given: GivenList, skip_rejects: bool, state: AppState, caller: Caller
) -> Appended | Response:
    if left := begin_long_append(campaign_id, given, state, caller.name, skip_rejects=skip_rejects):
        draft, note = left
        at = APPEND.format(campaign_id=draft.appends_to, append_id=draft.id)
        return accepted(_append_state(draft, note, state, caller), f"/api/v1{at}")
    campaigns = state.campaigns_of(caller.name)
    with given.source() as source:
        checked = campaigns.check_rows(campaign_id, source)
        checked.refuse_rejects(None, skip=skip_rejects, undone="appended")
        result = campaigns.append(campaign_id, checked, skip_rejects=True)
    return _appended(asdict(result), checked.rejects, caller)


def _append_state(draft: FileDraft, note: ReadingNote, state: AppState, caller: Caller) -> AppendState:
    appended = None
    if note.result is not None:
        appended = _appended(note.result, [Reject(**reject) for reject in note.result["rejects"]], caller)
    return AppendState(id=draft.id, campaign=draft.appends_to or "", appended=appended, **state_facts(note, state))


def _appended(facts: Mapping[str, Any], rejects: Iterable[Reject], caller: Caller) -> Appended:
    return Appended.model_validate({**facts, "rejects": [rejected_row(reject, caller) for reject in rejects]})
