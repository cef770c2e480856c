"""Campaigns from their definition and their list to their start: created, checked, previewed, planned, started."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import HTTPException, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from campaigns.audience.rejects import Reject
from campaigns.launch import file_drafts
from campaigns.launch.call_test_number import call_test_number
from campaigns.launch.checking.checks import CheckResult
from campaigns.launch.file_drafts import Cell, FileDraft
from campaigns.launch.preview import Preview, preview
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.status import campaign_summary
from console.api.campaigns import CampaignState, campaign_state, shown_text
from console.api.contacts import NumberGiven, phone_of
from console.plans import plan_facts, plan_of
from console.preflight import check_login
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.state import AppState, InjectedState
from dialer.phone import PhoneNumber

router = api_router("drafts")

MAX_ROWS = 20_000  # in JSON; more come as a file
MAX_JSON, MAX_UPLOAD = 8 << 20, 512 << 20
MAX_DEFINITION = 128 << 10


class NewCampaign(BaseModel):
    """A campaign to be created: its definition, and its contacts as rows."""

    model_config = ConfigDict(extra="forbid")

    definition: str | dict[str, Any] = Field(description="The campaign file, as YAML in a text or as an object.")
    contacts: list[dict[str, Cell]] = Field(
        [],
        max_length=MAX_ROWS,
        description="Rows by the names of their columns, as in a list; a standing campaign has none.",
    )


UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "title": "CampaignUpload",
                    "type": "object",
                    "required": ["definition", "list"],
                    "additionalProperties": False,
                    "properties": {
                        "definition": {"type": "string", "description": "The campaign file: YAML or JSON."},
                        "list": {"type": "string", "format": "binary", "description": "CSV or XLSX."},
                    },
                }
            },
        },
    }
}


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


class RejectedRow(BaseModel):
    """A row that is not called."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    column: str = Field(description="Blank: the row as a whole.")
    code: str
    reason: str
    suggestion: str


class Check(BaseModel):
    """What is wrong with a list, and how many can be called; the names are those of `dialer check --json`."""

    campaign: str
    contacts: int
    summary: dict[str, int]
    bad: int = Field(description="Rows that are a reason to start nothing, unless they are skipped.")
    warnings: list[str]
    rejected: list[RejectedRow] = Field(description="1,000 at the most; all are in …/rejects.csv.")


class PreviewAsked(BaseModel):
    """Which row is previewed."""

    model_config = ConfigDict(extra="forbid")

    line: int | None = Field(None, ge=1, le=2**31, description="Line of the list; absent, the first contact.")


class Spoken(BaseModel):
    """What a filter of the text made of a value."""

    name: str
    value: str
    spoken: str
    change: str


class PreviewedCall(BaseModel):
    """What one contact would hear; the names are those of `dialer preview --json`."""

    campaign: str
    line: int
    contact: str
    zone: str | None
    text: str | None = Field(description="Null for a recording, and for a call that says nothing.")
    voice: dict[str, str]
    seconds: float
    characters: int
    values: list[Spoken]
    rejected: RejectedRow | None


class PlannedRow(BaseModel):
    """What is expected of one row."""

    line: int
    number: str
    fate: str
    at: datetime | None
    local_time: datetime | None
    window: str
    characters: int | None
    seconds: float | None
    reason: str


class AccountOutlook(BaseModel):
    """The account as it is now."""

    known: bool
    slower: float
    day_calls_left: int | None
    others_wait: int


class Odds(BaseModel):
    """The shares of outcomes that the plan reckons with."""

    learned_from_calls: int
    first: dict[str, float]
    later: dict[str, float]


class CampaignPlan(BaseModel):
    """What to expect of a campaign; the names are those of `dialer plan --json`."""

    campaign: str
    account: str
    rows: int
    will_dial: int
    expires: int
    over_budget: int
    skipped: dict[str, int]
    calls: float
    most_calls: int
    points: float
    reached: float
    speech_seconds: float
    begins: datetime
    ends: datetime
    ends_between: tuple[datetime, datetime] | None
    canary_halts: float | None
    account_now: AccountOutlook
    days: dict[date, float]
    odds: Odds
    first_rows: list[PlannedRow]


class Start(BaseModel):
    """How a campaign is started."""

    model_config = ConfigDict(extra="forbid")

    skip_rejects: bool = Field(False, description="Call the good rows although some are bad.")
    again: bool = Field(False, description="Start although a campaign of this name is still going on.")


class TestCall(NumberGiven):
    """A test number, and whose text it hears."""

    line: int | None = Field(None, ge=1, le=2**31, description="Line of the list; absent, the first contact.")


@router.post("/campaigns", max_body_size=MAX_JSON, **needs(Scope.CAMPAIGNS, status=201))
def create_campaign(given: NewCampaign, response: Response, state: InjectedState, caller: InjectedCaller) -> Draft:
    """Keep a definition and its contacts, to be checked and started. Nobody is called."""
    text = given.definition if isinstance(given.definition, str) else file_drafts.yaml_of(given.definition)
    draft = _create(state, caller, text, file_drafts.rows_as_csv(given.contacts), "list.csv")
    return _created(draft, response)


@router.post("/campaigns/upload", max_body_size=MAX_UPLOAD, **needs(Scope.CAMPAIGNS, status=201, **UPLOAD))
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
            with file.open("wb") as stream:
                shutil.copyfileobj(sent.file, stream)

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


@router.post("/campaigns/{campaign_id}/check", **needs(Scope.CAMPAIGNS))
def check_campaign(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> Check:
    """Read the whole list and say what is wrong with it."""
    draft, now = file_drafts.find(state.settings.data_dir, campaign_id), state.clock()
    return _check(file_drafts.check_draft(state.ledger, draft, state.settings.accounts, now=now), caller, now)


@router.get(
    "/campaigns/{campaign_id}/rejects.csv",
    response_class=FileResponse,
    **needs(Scope.CAMPAIGNS, ok={"content": {"text/csv": {"schema": {"type": "string"}}}}),
)
def list_rejects(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> FileResponse:
    """The rows that the last check or the start rejected, whole, with their reasons; needs `numbers`, too."""
    file = file_drafts.rejects_of(state.ledger, state.settings.data_dir, campaign_id)
    if file is None:
        raise HTTPException(404, "no row was rejected, or the file is not on this machine")
    caller.require(Scope.NUMBERS)
    return FileResponse(file, media_type="text/csv")


@router.post("/campaigns/{campaign_id}/preview", **needs(Scope.CAMPAIGNS))
def preview_campaign(
    campaign_id: str, state: InjectedState, caller: InjectedCaller, given: PreviewAsked | None = None
) -> PreviewedCall:
    """What one contact would hear."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    with file_drafts.paths_left_out(draft.folder):
        return _preview(preview(draft.file, state.settings.accounts, given.line if given else None), caller)


@router.post("/campaigns/{campaign_id}/plan", **needs(Scope.CAMPAIGNS))
def plan_campaign(campaign_id: str, state: InjectedState) -> CampaignPlan:
    """Replay the campaign before it runs."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    with file_drafts.paths_left_out(draft.folder):
        plan = plan_of(draft.file, state.settings, state.ledger, state.clock())
    return CampaignPlan(**plan_facts(plan))


@router.post("/campaigns/{campaign_id}/start", **needs(Scope.SEND, status=201))
def start_campaign(
    campaign_id: str, response: Response, state: InjectedState, caller: InjectedCaller, given: Start | None = None
) -> CampaignState:
    """Check it and start it: workers dial it from now on."""
    given = given or Start()
    campaign = file_drafts.start_draft(
        state.ledger,
        file_drafts.find(state.settings.data_dir, campaign_id),
        state.settings.accounts,
        check_login=lambda account: check_login(account, state.settings),
        skip_rejects=given.skip_rejects,
        again=given.again,
        reports_folder=state.settings.data_dir / "reports",
        who=caller.name,
        now=state.clock(),
    )
    response.headers["Location"] = f"/api/v1/campaigns/{campaign.id}"
    return campaign_state(campaign_summary(state.ledger, campaign.id, state.clock(), state.surroundings), caller)


@router.post("/campaigns/{campaign_id}/test-call", **needs(Scope.SEND, status=201))
def call_test_number_of_settings(
    campaign_id: str, given: TestCall, state: InjectedState, caller: InjectedCaller
) -> CampaignState:
    """Call one of the settings' test numbers with what one contact would hear, now and ahead of everybody."""
    draft, now = file_drafts.find(state.settings.data_dir, campaign_id), state.clock()
    with file_drafts.paths_left_out(draft.folder):
        check_login(draft.account, state.settings)
        campaign = call_test_number(
            state.ledger,
            draft.file,
            state.settings.accounts,
            phone_of(given),
            test_numbers={PhoneNumber(number) for number in state.settings.test_numbers},
            line=given.line,
            who=caller.name,
            now=now,
        )
    return campaign_state(campaign_summary(state.ledger, campaign.id, now, state.surroundings), caller)


def _create(
    state: AppState, caller: Caller, definition: str, put_list: file_drafts.PutList | None, list_name: str
) -> FileDraft:
    return file_drafts.create(
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


def _check(checked: CheckResult, caller: Caller, now: datetime) -> Check:
    return Check(
        campaign=checked.definition.campaign,
        contacts=checked.summary.will_dial,
        summary=dict(checked.summary.lines()),
        bad=checked.bad_rows,
        warnings=checked.all_warnings(now),
        rejected=[rejected_row(reject, caller) for reject in checked.rejects],
    )


def rejected_row(reject: Reject, caller: Caller) -> RejectedRow:
    """A reject as this caller may see it."""
    row = RejectedRow.model_validate(reject)
    row.reason, row.suggestion = shown_text(row.reason, caller), shown_text(row.suggestion, caller)
    return row


def _preview(shown: Preview, caller: Caller) -> PreviewedCall:
    return PreviewedCall(
        campaign=shown.campaign,
        line=shown.line,
        contact=shown.contact,
        zone=shown.zone,
        text=shown.text,
        voice=dict(shown.voice),
        seconds=shown.seconds,
        characters=shown.characters,
        values=[Spoken(**value._asdict()) for value in shown.values],
        rejected=None if shown.rejected is None else rejected_row(shown.rejected, caller),
    )
