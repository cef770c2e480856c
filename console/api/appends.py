"""Lists that are appended: a short one at once, a long one by a worker, which says how far it is."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import HTTPException, Path, Request, Response
from fastapi.responses import FileResponse
from starlette.datastructures import UploadFile

from campaigns.audience.rejects import Reject
from campaigns.launch.drafts.append_draft import begin_append, find_append
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote, note_of
from campaigns.launch.drafts.readings import AT_ONCE_BYTES, stop_reading
from campaigns.operations.api_tokens import Scope
from console.api.campaigns import CampaignId
from console.api.motion import CONTACTS, Appended, append_given
from console.api.readings import ReadingState, accepted, also_202, state_facts
from console.api.rejected_rows import rejected_row
from console.api.uploads import LIST_PART, MAX_UPLOAD, multipart_body, uploaded_file
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.state import AppState, InjectedState
from workers.list_readings import list_readings

router = api_router("contacts")

SKIP_PART = {"type": "string", "enum": ["true", "false"], "default": "false"}
APPEND_UPLOAD = multipart_body("ContactsUpload", {"list": LIST_PART, "skip_rejects": SKIP_PART}, ["list"])
APPEND = "/campaigns/{campaign_id}/appends/{append_id}"
AppendId = Annotated[str, Path(max_length=200, description="As in the `Location` of the upload's reply.")]


class AppendState(ReadingState):
    """How far the append of a long list is, and what became of its rows once it is done."""

    id: str
    campaign: str
    appended: Appended | None


@router.post(
    f"{CONTACTS}/upload",
    max_body_size=MAX_UPLOAD,
    response_model=Appended,
    **needs(Scope.CAMPAIGNS, also=also_202(AppendState), **APPEND_UPLOAD),
)
async def append_uploaded_contacts(
    campaign_id: CampaignId, request: Request, state: InjectedState, caller: InjectedCaller
) -> Appended | Response:
    """The same with a file; a long one is appended by a worker (202)."""
    async with request.form(max_files=1, max_fields=2) as form:
        sent, skip = form.get("list"), form.get("skip_rejects", "false")
        if set(form) - {"list", "skip_rejects"} or not isinstance(sent, UploadFile) or skip not in ("true", "false"):
            raise HTTPException(422, "the parts are list (a file) and skip_rejects (true, false), each once")
        is_long = sent.size is None or sent.size > AT_ONCE_BYTES
        act = _left_to_a_worker if is_long else _append_file
        return await to_thread.run_sync(act, campaign_id, sent, skip == "true", state, caller)


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


def _append_file(campaign_id: str, sent: UploadFile, skip_rejects: bool, state: AppState, caller: Caller) -> Appended:
    with uploaded_file(sent) as file:
        return append_given(campaign_id, file, skip_rejects, state, caller)


def _left_to_a_worker(
    campaign_id: str, sent: UploadFile, skip_rejects: bool, state: AppState, caller: Caller
) -> Response:
    draft, note = begin_append(
        state.ledger,
        state.settings.data_dir,
        campaign_id,
        sent.file,
        list_readings(state.settings, state.ledger)[Purpose.APPEND],
        list_name=sent.filename or "",
        skip_rejects=skip_rejects,
        who=caller.name,
        clock=state.clock,
    )
    at = APPEND.format(campaign_id=draft.appends_to, append_id=draft.id)
    return accepted(_append_state(draft, note, state, caller), f"/api/v1{at}")


def _append_state(draft: FileDraft, note: ReadingNote, state: AppState, caller: Caller) -> AppendState:
    appended = None
    if note.result is not None:
        rejects = [rejected_row(Reject(**reject), caller) for reject in note.result["rejects"]]
        appended = Appended.model_validate({**note.result, "rejects": rejects})
    return AppendState(id=draft.id, campaign=draft.appends_to or "", appended=appended, **state_facts(note, state))
