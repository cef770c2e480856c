"""What a campaign's page lets people keep: its report, its rejects, and its definition as a campaign file."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import HTTPException, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from campaigns.launch.clone import clone
from campaigns.launch.drafts.file_drafts import rejects_of
from campaigns.ledger import queries
from campaigns.operations.contact_numbers import note_download
from campaigns.operations.people import Role
from campaigns.reporting.joint.chosen_campaigns import Choice
from campaigns.reporting.joint.report_sheets import WITHOUT_NUMBERS, Sheet
from campaigns.reporting.listings import mask_numbers
from campaigns.reporting.report import totals
from console.pages.language import gettext
from console.server.auth import Caller
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.report_sheets import sheet_download, workbook_download
from console.server.state import AppState, InjectedState

CAMPAIGN = "/campaigns/{campaign_id}"
CSV = "text/csv; charset=utf-8"

router = page_router()


@router.get(f"{CAMPAIGN}/report.json", response_class=JSONResponse, **for_role(Role.VIEWER))
def report_totals(campaign_id: str, state: InjectedState) -> Response:
    """The totals as JSON, as `dialer report --json` has them but for its files."""
    report = totals(state.ledger, campaign_id)
    facts = {name: value for name, value in asdict(report).items() if name != "rejects_file"}
    facts["reason"] = mask_numbers(report.reason)
    facts["reasons"] = [counted._asdict() | {"reason": mask_numbers(counted.reason)} for counted in report.reasons]
    for name in ("cost", "cost_per_reached"):
        facts[name] = {currency: str(amount) for currency, amount in facts[name].items()}
    for name in ("started_at", "finished_at"):
        facts[name] = facts[name] and facts[name].isoformat()
    return JSONResponse(facts, headers=_kept_as(f"{report.campaign}-report.json"))


@router.get(f"{CAMPAIGN}/report/{{sheet}}.csv", response_class=StreamingResponse, **for_role(Role.VIEWER))
def report_sheet(campaign_id: str, sheet: Sheet, state: InjectedState) -> Response:
    """One sheet of the report; numbers are masked in it."""
    if sheet is Sheet.FOLLOW_UP:
        raise HTTPException(405, "this file has whole numbers: download it from the campaign's page", {"Allow": "POST"})
    return sheet_download(state.ledger, Choice((campaign_id,)), sheet, f"{_id_of(state, campaign_id)}-{sheet}.csv")


@router.get(f"{CAMPAIGN}/report.xlsx", response_class=StreamingResponse, **for_role(Role.VIEWER))
def report_workbook(campaign_id: str, state: InjectedState) -> Response:
    """The sheets with masked numbers as one workbook."""
    return workbook_download(
        state.ledger, Choice((campaign_id,)), WITHOUT_NUMBERS, f"{_id_of(state, campaign_id)}-report.xlsx"
    )


@router.post(f"{CAMPAIGN}/report/follow-up.csv", response_class=StreamingResponse, **for_role(Role.EDITOR))
def follow_up(campaign_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Those who were not reached, in the list's own columns, with whole numbers; the audit says who has them."""
    file = _noted(state, person, campaign_id, "csv")
    return sheet_download(state.ledger, Choice((campaign_id,)), Sheet.FOLLOW_UP, file)


@router.post(f"{CAMPAIGN}/report/follow-up.xlsx", response_class=StreamingResponse, **for_role(Role.EDITOR))
def follow_up_workbook(campaign_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """The same as a workbook."""
    file = _noted(state, person, campaign_id, "xlsx")
    return workbook_download(state.ledger, Choice((campaign_id,)), [Sheet.FOLLOW_UP], file)


def _noted(state: AppState, person: Caller, campaign_id: str, kind: str) -> str:
    """The name of a file with whole numbers, of which the audit says who has it."""
    file = f"{_id_of(state, campaign_id)}-{Sheet.FOLLOW_UP}.{kind}"
    note_download(state.ledger, campaign_id, file, who=person.name, now=state.clock())
    return file


@router.post(f"{CAMPAIGN}/rejects.csv", response_class=FileResponse, **for_role(Role.EDITOR))
def rejects(campaign_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """The rows that were rejected, whole, each with what is wrong with it; the audit says who has them."""
    file = rejects_of(state.ledger, state.settings.data_dir, campaign_id)
    if file is None:
        raise HTTPException(404, gettext("the file of the rejected rows is not on this machine"))
    note_download(state.ledger, campaign_id, file.name, who=person.name, now=state.clock())
    return FileResponse(file, media_type=CSV, filename=file.name)


@router.post(f"{CAMPAIGN}/campaign.yaml", response_class=Response, **for_role(Role.EDITOR))
def campaign_file(campaign_id: str, state: InjectedState, person: InjectedPerson) -> Response:
    """The definition as a campaign file, to be changed and started anew: what `dialer clone` writes."""
    text = clone(state.ledger, campaign_id, who=person.name, now=state.clock())
    return Response(text, media_type="application/yaml", headers=_kept_as(f"{_id_of(state, campaign_id)}.yaml"))


def _id_of(state: AppState, campaign_id: str) -> str:
    """The campaign's id, which has nothing that a header could not hold."""
    with state.ledger.reading() as db:
        return queries.campaign(db, campaign_id).id


def _kept_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
