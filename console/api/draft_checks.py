"""What is said of a draft before it starts: its check, its rejects, what contacts would hear, what to expect."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from fastapi import HTTPException, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from campaigns.definition import load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.draft_checks import checked_list
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.reading_notes import Purpose, ReadingNote, note_of
from campaigns.launch.preview import Preview, preview
from campaigns.operations.api_tokens import Scope
from campaigns.retention_periods import Retention
from console.api.readings import ReadingState, accepted, also_202, state_facts
from console.api.rejected_rows import RejectedRow, rejected_row
from console.list_readings import begin_check, begin_plan
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.state import AppState, InjectedState

router = api_router("drafts")


class Check(ReadingState):
    """How far a check is, what is wrong with the list, and how many can be called.

    Its figures are zero until it is done. They are named as in `dialer check --json`.
    """

    campaign: str
    contacts: int
    summary: dict[str, int]
    bad: int = Field(description="Rows that are a reason to start nothing, unless they are skipped.")
    warnings: list[str]
    kept: str | None = Field(description="Until when its list is kept; null while the definition has faults.")
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


class Reminded(BaseModel):
    """One of several reminders of the contact's appointment; moments are local, where the contact is."""

    reminder: str
    at: datetime
    calls_at: datetime | None = Field(
        description="The first calling hour from then on; null: too late, it is left out."
    )
    text: str | None


class PreviewedCost(BaseModel):
    """What the call costs by the account's prices."""

    currency: str
    answered: Decimal = Field(description="Answered, and heard to its end.")
    at_most: Decimal = Field(description="What a budget keeps back for it until it has ended.")


class PreviewedCall(BaseModel):
    """What one contact would hear; the names are those of `dialer preview --json`."""

    campaign: str
    line: int
    contact: str
    zone: str | None
    text: str | None = Field(
        description="As the preferred account says it. Null for a recording, and for a call that says nothing."
    )
    voice: dict[str, str]
    seconds: float
    characters: int
    repeat: int = Field(description="How often the text is said in one call.")
    responses: dict[str, str] = Field(description="What its keys and tags mean.")
    cost: PreviewedCost | None = Field(description="Null without prices.")
    values: list[Spoken]
    rejected: RejectedRow | None
    reminders: list[Reminded]
    variant: str | None = Field(description="Which of several texts it is.")
    caller_ids: list[str] = Field(description="The numbers of which the contact is shown one, the nearest first.")
    caller_ids_by_account: dict[str, list[str]] = Field(
        description="The same of other accounts with numbers of their own."
    )
    priority: int | None = Field(description="Its place in the provider's queue: 1 low, 2 medium, 3 high.")
    callback_data: str | None = Field(description="Comes back with each receipt.")


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


class PlannedCost(BaseModel):
    """Money that a campaign is expected to cost; `between`: eight times of ten."""

    currency: str
    expected: Decimal
    between: tuple[Decimal, Decimal] | None
    for_each_reached: Decimal | None
    dearest: Decimal = Field(description="The most that one call may cost.")
    budget: Decimal | None
    used_up: float = Field(description="The share of the simulated runs in which the budget is used up first.")
    is_over_budget: bool


class CampaignPlan(BaseModel):
    """What to expect of a campaign; the names are those of `dialer plan --json`."""

    campaign: str
    account: str
    rows: int
    will_dial: int
    expires: int
    over_budget: int
    skipped: dict[str, int]
    reminders_left_out: int = Field(0, description="Of several reminders: those for which it is too late.")
    calls: float
    most_calls: int
    points: float
    cost: PlannedCost | None = Field(None, description="By the account's prices; null without.")
    reached: float
    priority: int | None = Field(description="Its place in the provider's queue: 1 low, 2 medium, 3 high.")
    speech_seconds: float
    begins: datetime
    ends: datetime
    ends_between: tuple[datetime, datetime] | None
    canary_halts: float | None
    account_now: AccountOutlook
    days: dict[date, float]
    odds: Odds
    first_rows: list[PlannedRow]


class PlanState(ReadingState):
    """How far a plan is, and the plan once it is made."""

    campaign: str
    plan: CampaignPlan | None


@router.post("/campaigns/{campaign_id}/check", response_model=Check, **needs(Scope.CAMPAIGNS, also=also_202(Check)))
def check_campaign(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> Check | Response:
    """Read the whole list and say what is wrong with it: a short one at once, a long one (202) by a worker."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    note = begin_check(draft, state, caller.name)
    checked = _check(draft, note, caller, state)
    return checked if note.is_over else accepted(checked, f"/api/v1/campaigns/{draft.id}/check")


@router.get("/campaigns/{campaign_id}/check", **needs(Scope.CAMPAIGNS))
def show_check(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> Check:
    """How far the last check is, or what came of it."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    file_drafts.refuse_started(draft)
    return _check(draft, note_of(draft, Purpose.CHECK), caller, state)


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


@router.post(
    "/campaigns/{campaign_id}/plan", response_model=CampaignPlan, **needs(Scope.CAMPAIGNS, also=also_202(PlanState))
)
def plan_campaign(campaign_id: str, state: InjectedState, caller: InjectedCaller) -> CampaignPlan | Response:
    """Replay the campaign before it runs: one with a short list at once, one with a long list (202) by a worker."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    note = begin_plan(draft, state, caller.name)
    if note.is_over:
        return CampaignPlan.model_validate(note.result)
    return accepted(_plan(draft, note, state), f"/api/v1/campaigns/{draft.id}/plan")


@router.get("/campaigns/{campaign_id}/plan", **needs(Scope.CAMPAIGNS))
def show_plan(campaign_id: str, state: InjectedState) -> PlanState:
    """How far the last plan is, or the plan as it was made."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    file_drafts.refuse_started(draft)
    return _plan(draft, note_of(draft, Purpose.PLAN), state)


def _plan(draft: FileDraft, note: ReadingNote, state: AppState) -> PlanState:
    plan = CampaignPlan.model_validate(note.result) if note.result else None
    return PlanState(campaign=draft.name, plan=plan, **state_facts(note, state))


def _check(draft: FileDraft, note: ReadingNote, caller: Caller, state: AppState) -> Check:
    result = checked_list(note)
    return Check(
        campaign=draft.name,
        contacts=result.contacts if result else 0,
        summary=dict(result.summary) if result else {},
        bad=result.bad if result else 0,
        warnings=[*result.warnings] if result else [],
        kept=_kept(draft, state.settings.retention),
        rejected=[rejected_row(reject, caller) for reject in result.rejected] if result else [],
        **state_facts(note, state),
    )


def _kept(draft: FileDraft, general: Retention) -> str | None:
    try:
        definition = load_definition(draft.file)
    except DefinitionFaults:
        return None
    return definition.kept(general).said(definition.ends_at, standing=definition.contacts.standing)


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
        repeat=shown.repeat,
        responses=dict(shown.responses),
        cost=shown.cost and PreviewedCost(**shown.cost._asdict()),
        values=[Spoken(**value._asdict()) for value in shown.values],
        rejected=None if shown.rejected is None else rejected_row(shown.rejected, caller),
        reminders=[Reminded(**reminder._asdict()) for reminder in shown.reminders],
        variant=shown.variant,
        caller_ids=list(shown.caller_ids),
        caller_ids_by_account={account: list(numbers) for account, numbers in shown.caller_ids_by_account.items()},
        priority=shown.priority,
        callback_data=shown.callback_data,
    )
