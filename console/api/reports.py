"""What became of a campaign: its totals, and its sheets as CSV."""

from __future__ import annotations

from datetime import datetime

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.operations.api_tokens import Scope
from campaigns.reporting.report import Sheet, totals
from console.api.campaigns import CampaignId, shown_text
from console.server.api_route import InjectedCaller, api_router, needs
from console.server.report_sheets import sheet_download
from console.server.state import InjectedState

router = api_router("reports")

CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}}


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
    if sheet is Sheet.FOLLOW_UP and not caller.may(Scope.NUMBERS):
        raise HTTPException(403, "the follow-up has numbers in full: this token has no scope numbers")
    return sheet_download(state.ledger, campaign_id, sheet)
