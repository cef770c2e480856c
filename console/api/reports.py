"""What became of a campaign: its totals, and its sheets as CSV."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Depends, HTTPException, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.joint.chosen_campaigns import MOST_CAMPAIGNS, Choice
from campaigns.reporting.joint.joint_report import joint_report
from campaigns.reporting.joint.report_sheets import FOR_PEOPLE, WITHOUT_NUMBERS, Sheet
from campaigns.reporting.report import totals
from console.api.campaigns import CampaignId, shown_text
from console.server.api_route import NO_NUL, InjectedCaller, api_router, needs
from console.server.auth import Caller
from console.server.moments import Moment
from console.server.report_sheets import XLSX, sheet_download, workbook_download
from console.server.state import InjectedState

router = api_router("reports")

CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}}
WORKBOOK = {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}


class ReasonCounted(BaseModel):
    """How many contacts have this final status for this reason."""

    model_config = ConfigDict(from_attributes=True)

    status: ContactStatus
    reason: str
    contacts: int


class CampaignReport(BaseModel):
    """The totals of a campaign."""

    model_config = ConfigDict(from_attributes=True)

    campaign: str
    name: str
    account: str
    rehearsal: bool
    status: CampaignStatus
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    contacts: int
    final: dict[str, int] = Field(description="Contacts by final status.")
    open: dict[str, int] = Field(description="All others, by status.")
    reasons: list[ReasonCounted] = Field(description="Why contacts were not reached, the most frequent first.")
    outcomes: dict[str, int] = Field(description="Calls by how they ended.")
    responses: dict[str, int] = Field(
        description="Contacts by what they pressed, and none for those who were reached and pressed nothing; empty "
        "where the campaign file has no responses."
    )
    reminders: dict[str, dict[str, int]] = Field(
        description="For each of several reminders of an appointment, calls by how they ended; else empty."
    )
    variants: dict[str, dict[str, int]] = Field(
        description="For each of several texts, calls by how they ended, and how many were short; else empty."
    )
    caller_ids: dict[str, dict[str, int]] = Field(
        description="For each of several numbers that are shown, calls by how they ended; else empty."
    )
    short_answers: int | None = Field(description="Answered calls that were soon over; null without answered_short.")
    ended_by: dict[str, int] = Field(description="Ended calls by what showed their end.")
    attempts: int = Field(description="Those that the provider accepted.")
    requests: int = Field(description="All of them.")
    cost: dict[str, Decimal] = Field(description="What its calls cost so far, by currency; empty without prices.")
    cost_per_reached: dict[str, Decimal] = Field(description="The same for each contact that was reached.")
    unknown_contacts: int
    rejects: int = Field(description="Rows of the list that were not called.")


@router.get("/campaigns/{campaign_id}/report", **needs(Scope.READ))
def show_report(campaign_id: CampaignId, state: InjectedState, caller: InjectedCaller) -> CampaignReport:
    """The totals."""
    shown = CampaignReport.model_validate(totals(state.ledger, campaign_id))
    shown.reason = shown_text(shown.reason, caller)
    return shown


@router.get(
    "/campaigns/{campaign_id}/report/{sheet}.csv", response_class=StreamingResponse, **needs(Scope.READ, ok=CSV)
)
def show_report_sheet(
    campaign_id: CampaignId, sheet: Sheet, state: InjectedState, caller: InjectedCaller
) -> StreamingResponse:
    """One sheet, a line for each attempt, contact or row of the list, which has whole numbers for who has `numbers`.

    The follow-up has them always, and needs `numbers`, too.
    """
    _require_numbers(sheet, caller)
    return sheet_download(state.ledger, Choice((campaign_id,)), sheet, numbers=caller.may(Scope.NUMBERS))


@router.get("/campaigns/{campaign_id}/report.xlsx", response_class=StreamingResponse, **needs(Scope.READ, ok=WORKBOOK))
def show_report_workbook(campaign_id: CampaignId, state: InjectedState) -> StreamingResponse:
    """The sheets with masked numbers as one workbook: contacts, attempts, unknown."""
    return workbook_download(state.ledger, Choice((campaign_id,)), WITHOUT_NUMBERS)


@router.get(
    "/campaigns/{campaign_id}/report/{sheet}.xlsx", response_class=StreamingResponse, **needs(Scope.READ, ok=WORKBOOK)
)
def show_report_sheet_as_workbook(
    campaign_id: CampaignId, sheet: Sheet, state: InjectedState, caller: InjectedCaller
) -> StreamingResponse:
    """One sheet as a workbook; before the list stands what can be done. Numbers are as in the CSV file."""
    _require_numbers(sheet, caller)
    sheets = FOR_PEOPLE if sheet is Sheet.LIST else [sheet]
    return workbook_download(state.ledger, Choice((campaign_id,)), sheets, numbers=caller.may(Scope.NUMBERS))


class AdviceGiven(BaseModel):
    """People, or rows of a list, about whom something can be done."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(description="A status; `rejected` or `left_out` for rows, `silent` for who pressed nothing.")
    number: int
    what_happened: str
    what_to_do: str


class SeveralReported(BaseModel):
    """The totals of several campaigns, and of all together."""

    model_config = ConfigDict(from_attributes=True)

    campaigns: list[CampaignReport]
    contacts: int
    final: dict[str, int]
    open: dict[str, int]
    outcomes: dict[str, int]
    responses: dict[str, int]
    attempts: int
    requests: int
    cost: dict[str, Decimal]
    cost_per_reached: dict[str, Decimal]
    rejects: int
    to_do: list[AdviceGiven] = Field(description="What can be done about whom, in plain words.")


async def choice_asked_for(
    campaign: Annotated[
        list[Annotated[str, Query(max_length=100, pattern=NO_NUL)]],
        Query(max_length=MOST_CAMPAIGNS, description="Ids or names; absent: all that started in the span."),
    ] = [],  # noqa: B006  # FastAPI copies it
    since: Annotated[Moment | None, Query(description="Campaigns that started then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Campaigns that started before.")] = None,
) -> Choice:
    """The campaigns of the address."""
    if not campaign and since is None and until is None:
        raise HTTPException(422, "name campaigns (campaign=), or a span (since=, until=)")
    return Choice(tuple(campaign), since, until)


Chosen = Annotated[Choice, Depends(choice_asked_for)]


@router.get("/reports", **needs(Scope.READ))
def show_reports(choice: Chosen, state: InjectedState, caller: InjectedCaller) -> SeveralReported:
    """The totals of several campaigns: those that are named, or that started in a span of time."""
    shown = SeveralReported.model_validate(joint_report(state.ledger, choice))
    for campaign in shown.campaigns:
        campaign.reason = shown_text(campaign.reason, caller)
    return shown


@router.get("/reports/list.csv", response_class=StreamingResponse, **needs(Scope.READ, ok=CSV))
def show_lists(choice: Chosen, state: InjectedState, caller: InjectedCaller) -> StreamingResponse:
    """Their lists as they were given, with what became of each row; numbers are whole for who has `numbers`."""
    return sheet_download(state.ledger, choice, Sheet.LIST, numbers=caller.may(Scope.NUMBERS))


@router.get("/reports/list.xlsx", response_class=StreamingResponse, **needs(Scope.READ, ok=WORKBOOK))
def show_lists_as_workbook(choice: Chosen, state: InjectedState, caller: InjectedCaller) -> StreamingResponse:
    """The same as a workbook; before the list stands what can be done."""
    return workbook_download(state.ledger, choice, FOR_PEOPLE, numbers=caller.may(Scope.NUMBERS))


def _require_numbers(sheet: Sheet, caller: Caller) -> None:
    if sheet is Sheet.FOLLOW_UP and not caller.may(Scope.NUMBERS):
        raise HTTPException(403, "the follow-up has numbers in full: this token has no scope numbers")
