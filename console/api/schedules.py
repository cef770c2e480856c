"""Recurring campaigns: launched again and again, each time with a fresh list."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from campaigns.launch import recurring, schedules
from campaigns.launch.drafts import file_drafts
from campaigns.lifecycle import LaunchState
from campaigns.operations.api_tokens import Scope
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.state import InjectedState

router = api_router("schedules")


class RecurringCampaign(BaseModel):
    """A recurring campaign."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    next_at: datetime | None = Field(description="Null once its end has passed.")
    last_at: datetime | None
    last_said: str = Field(description="How the last run went.")
    state: LaunchState
    added_by: str
    added_at: datetime
    paused_at: datetime | None = Field(description="Since when its hours pass without a launch.")
    asked_at: datetime | None = Field(description="Somebody wants it launched now.")


class NewSchedule(BaseModel):
    """What is to recur."""

    model_config = ConfigDict(extra="forbid")

    draft: str = Field(max_length=100, description="The id of a draft that was not started.")


class RecurringCampaigns(BaseModel):
    """All recurring campaigns."""

    items: list[RecurringCampaign]


@router.get("/schedules", **needs(Scope.READ))
def list_schedules(state: InjectedState) -> RecurringCampaigns:
    """What recurs, when next, and what the last run became."""
    return RecurringCampaigns(items=[RecurringCampaign.model_validate(one) for one in schedules.listed(state.ledger)])


@router.post("/schedules", **needs(Scope.SEND, status=201))
def add_schedule(given: NewSchedule, state: InjectedState, caller: InjectedCaller) -> RecurringCampaign:
    """Launch a draft with `schedule.repeat` at its hours from now on, each time with the list that it was created with.

    It replaces the recurring campaign of the same name.
    """
    draft = file_drafts.find(state.settings.data_dir, given.draft)
    with file_drafts.paths_left_out(draft.folder):
        added = recurring.add(state.ledger, draft.file, state.settings.accounts, who=caller.name, now=state.clock())
    file_drafts.keep_for_schedule(draft)
    return RecurringCampaign.model_validate(added)


@router.delete("/schedules/{name}", **needs(Scope.SEND, status=204))
def remove_schedule(name: str, state: InjectedState, caller: InjectedCaller) -> None:
    """Launch it no more; what it has started goes on."""
    schedules.remove(state.ledger, name, who=caller.name, now=state.clock())


@router.post("/schedules/{name}/pause", **needs(Scope.SEND))
def pause_schedule(name: str, state: InjectedState, caller: InjectedCaller) -> RecurringCampaign:
    """Let its hours pass without a launch; what it has started goes on."""
    return RecurringCampaign.model_validate(schedules.pause(state.ledger, name, who=caller.name, now=state.clock()))


@router.post("/schedules/{name}/resume", **needs(Scope.SEND))
def resume_schedule(name: str, state: InjectedState, caller: InjectedCaller) -> RecurringCampaign:
    """Launch it at its hours again; those that have passed meanwhile are not made up for."""
    return RecurringCampaign.model_validate(schedules.resume(state.ledger, name, who=caller.name, now=state.clock()))


@router.post("/schedules/{name}/run", **needs(Scope.SEND))
def run_schedule(name: str, state: InjectedState, caller: InjectedCaller) -> RecurringCampaign:
    """Launch it once, now; its hours stay as they are."""
    return RecurringCampaign.model_validate(schedules.run_now(state.ledger, name, who=caller.name, now=state.clock()))
