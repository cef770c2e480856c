"""The rehearsal of a draft: asked for, carried out by a worker, and shown beside the plan."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from campaigns.definition import load_definition
from campaigns.launch.drafts import file_drafts
from campaigns.launch.drafts.file_drafts import FileDraft
from campaigns.launch.drafts.rehearsal_notes import (
    RehearsalNote,
    RehearsalStage,
    ask_for_rehearsal,
    rehearsal_of,
)
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.api_tokens import Scope
from console.server.api_route import api_router, needs
from console.server.state import InjectedState
from workers.rehearsal.beginning import beginning
from workers.rehearsal.rehearsal import DEFAULT_SEED

router = api_router("drafts")


class RehearsalAsked(BaseModel):
    """When it begins, and which run is drawn."""

    model_config = ConfigDict(extra="forbid")

    at: str | None = Field(
        None, max_length=40, description="2026-12-01T09:00, in the campaign's zone or with an offset; absent, now."
    )
    seed: int = Field(DEFAULT_SEED, ge=0, lt=2**31, description="Another seed draws another run.")


class LeftContacts(BaseModel):
    """How many contacts were not reached for one reason."""

    status: ContactStatus
    reason: str
    contacts: int


class BesideThePlan(BaseModel):
    """A figure of the rehearsal beside that of the plan; a moment for the end, else a number."""

    figure: str
    planned: datetime | float | None
    between: list[datetime | float | None] = Field(description="The least and the most that chance explains.")
    rehearsed: datetime | float | None
    within: bool | None


class RehearsalResult(BaseModel):
    """What came of a rehearsal; the names are those of `dialer rehearse FILE --json`."""

    model_config = ConfigDict(extra="forbid")

    campaign: str
    account: str
    begins: datetime
    seed: int
    status: CampaignStatus
    reason: str | None
    contacts: int
    skipped: dict[str, int]
    first_call: datetime | None
    last_call: datetime | None
    ends: datetime | None
    calls: int
    requests: int
    final: dict[ContactStatus, int]
    open: dict[ContactStatus, int]
    outcomes: dict[str, int]
    left: list[LeftContacts]
    days: dict[date, int] = Field(description="Calls by day.")
    odds_learned_from_calls: int
    within_the_odds: bool
    beside_the_plan: list[BesideThePlan]
    differences: list[str]
    earlier_calls: int
    remarks: list[str]


class Rehearsal(BaseModel):
    """How far a rehearsal is, and what came of it."""

    campaign: str
    state: RehearsalStage
    asked_at: datetime
    begins: datetime
    seed: int
    now: datetime | None = Field(description="The moment by its own clock.")
    final: int = Field(description="Contacts that are final by then, of `contacts`.")
    contacts: int
    trouble: str = Field(description="What keeps it; blank where nothing does.")
    result: RehearsalResult | None = Field(description="Once it is done.")
    problem: str = Field(description="Why it has failed, with what to do; blank where it has not.")


@router.post("/campaigns/{campaign_id}/rehearse", **needs(Scope.CAMPAIGNS, status=202))
def rehearse_campaign(
    campaign_id: str, response: Response, state: InjectedState, given: RehearsalAsked | None = None
) -> Rehearsal:
    """Carry a draft out on a fast clock, calling nobody: a worker does so, and GET says how far it is."""
    draft, asked = file_drafts.find(state.settings.data_dir, campaign_id), given or RehearsalAsked()
    with file_drafts.paths_left_out(draft.folder):
        begins = beginning(asked.at, load_definition(draft.file), state.clock())
    note = ask_for_rehearsal(draft, begins=begins, seed=asked.seed, now=state.clock())
    response.headers["Location"] = f"/api/v1/campaigns/{draft.id}/rehearse"
    return _rehearsal(draft, note, state.clock())


@router.get("/campaigns/{campaign_id}/rehearse", **needs(Scope.CAMPAIGNS))
def show_rehearsal(campaign_id: str, state: InjectedState) -> Rehearsal:
    """How far the last rehearsal of the draft as it is now is, or what came of it."""
    draft = file_drafts.find(state.settings.data_dir, campaign_id)
    file_drafts.refuse_started(draft)
    return _rehearsal(draft, rehearsal_of(draft), state.clock())


def _rehearsal(draft: FileDraft, note: RehearsalNote, now: datetime) -> Rehearsal:
    return Rehearsal(
        campaign=draft.name,
        state=note.stage,
        asked_at=note.asked_at,
        begins=note.begins,
        seed=note.seed,
        now=note.now,
        final=note.final,
        contacts=note.contacts,
        trouble=note.trouble(now),
        result=RehearsalResult.model_validate(note.facts) if note.facts else None,
        problem=". ".join(filter(None, (note.message, note.remedy))),
    )
