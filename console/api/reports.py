"""What became of a campaign: its totals, and its sheets as CSV."""

from __future__ import annotations

from datetime import datetime

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.report import WITHOUT_NUMBERS, Sheet, totals
from console.api.campaigns import CampaignId, shown_text
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.auth import Caller
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
    """One sheet, a line for each attempt or contact. The follow-up has numbers in full, and needs `numbers`, too."""
    _require_numbers(sheet, caller)
    return sheet_download(state.ledger, campaign_id, sheet)


@router.get("/campaigns/{campaign_id}/report.xlsx", response_class=StreamingResponse, **needs(Scope.READ, ok=WORKBOOK))
def show_report_workbook(campaign_id: CampaignId, state: InjectedState) -> StreamingResponse:
    """The sheets with masked numbers as one workbook: contacts, attempts, unknown."""
    return workbook_download(state.ledger, campaign_id, WITHOUT_NUMBERS)


@router.get(
    "/campaigns/{campaign_id}/report/{sheet}.xlsx", response_class=StreamingResponse, **needs(Scope.READ, ok=WORKBOOK)
)
def show_report_sheet_as_workbook(
    campaign_id: CampaignId, sheet: Sheet, state: InjectedState, caller: InjectedCaller
) -> StreamingResponse:
    """One sheet as a workbook. The follow-up has numbers in full, and needs `numbers`, too."""
    _require_numbers(sheet, caller)
    return workbook_download(state.ledger, campaign_id, [sheet])


def _require_numbers(sheet: Sheet, caller: Caller) -> None:
    if sheet is Sheet.FOLLOW_UP and not caller.may(Scope.NUMBERS):
        raise HTTPException(403, "the follow-up has numbers in full: this token has no scope numbers")
