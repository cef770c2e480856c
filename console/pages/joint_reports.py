"""The page Reports: what became of several campaigns, what can be done, and their lists as they were given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Form, HTTPException, Query, Request
from fastapi.responses import StreamingResponse

from campaigns.ledger.queries import NoSuchCampaign
from campaigns.operations.contact_numbers import note_download
from campaigns.operations.people import Role
from campaigns.reporting.joint.chosen_campaigns import Choice, TooManyCampaigns, chosen_campaigns
from campaigns.reporting.joint.joint_report import JointReport, joint_report
from campaigns.reporting.joint.report_sheets import FOR_PEOPLE, Sheet
from console.pages.days import typed_span
from console.pages.language import gettext
from console.pages.rendering import render
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.report_sheets import sheet_download, workbook_download
from console.server.state import InjectedState

MOST_TYPED = 20_000
FILE = "lists"

router = page_router()


@dataclass(frozen=True, slots=True)
class Asked:
    """The choice as it was typed, and what it means; `faults` are by field."""

    typed: dict[str, str]
    choice: Choice
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, str]:
        """Those that are not blank."""
        return {name: value for name, value in self.typed.items() if value}

    def require(self) -> Choice:
        """The choice. Refuses (422) one that has faults or is blank."""
        for name, fault in self.faults.items():
            raise HTTPException(422, f"{name}: {fault}")
        if not self.given:
            raise HTTPException(422, gettext("name campaigns, or days"))
        return self.choice


def _asked(campaigns: str, since: str, until: str) -> Asked:
    """Names are separated by blanks or commas; days are those of UTC, the last one included."""
    typed = {"campaigns": campaigns.strip(), "since": since, "until": until}
    faults: dict[str, str] = {}
    names = tuple(typed["campaigns"].replace(",", " ").split())
    return Asked(typed, Choice(names, *typed_span(typed, faults)), faults)


Names = Annotated[str, Query(max_length=MOST_TYPED, pattern=r"^[^\x00]*$")]
Day = Annotated[str, Query(max_length=40, pattern=r"^[^\x00]*$")]
TypedNames = Annotated[str, Form(max_length=MOST_TYPED, pattern=r"^[^\x00]*$")]
TypedDay = Annotated[str, Form(max_length=40, pattern=r"^[^\x00]*$")]


async def asked_in_address(campaigns: Names = "", since: Day = "", until: Day = "") -> Asked:
    """What the address asks for."""
    return _asked(campaigns, since, until)


async def asked_in_form(campaigns: TypedNames = "", since: TypedDay = "", until: TypedDay = "") -> Asked:
    """What a form asks for."""
    return _asked(campaigns, since, until)


InAddress = Annotated[Asked, Depends(asked_in_address)]
InForm = Annotated[Asked, Depends(asked_in_form)]


@router.get("/reports", **for_role(Role.VIEWER))
def show_reports(request: Request, state: InjectedState, asked: InAddress, person: InjectedPerson) -> str:
    """What became of the campaigns that are asked for, and what can be done about whom."""
    joint: JointReport | None = None
    if asked.given and not asked.faults:
        try:
            joint = joint_report(state.ledger, asked.choice)
        except (NoSuchCampaign, TooManyCampaigns) as exc:
            asked.faults["campaigns"] = f"{exc.message} – {exc.remedy}"
    return render(
        "reports.html",
        request,
        asked=asked,
        joint=joint,
        query=urlencode(asked.given),
        may_download=person.has_role(Role.EDITOR),
    )


@router.get("/reports/list.csv", response_class=StreamingResponse, **for_role(Role.VIEWER))
def masked_lists(state: InjectedState, asked: InAddress) -> StreamingResponse:
    """Their lists as they were given, with what became of each row; numbers are masked."""
    return sheet_download(state.ledger, asked.require(), Sheet.LIST, f"{FILE}.csv")


@router.get("/reports/list.xlsx", response_class=StreamingResponse, **for_role(Role.VIEWER))
def masked_workbook(state: InjectedState, asked: InAddress) -> StreamingResponse:
    """The same as a workbook, with what can be done before it."""
    return workbook_download(state.ledger, asked.require(), FOR_PEOPLE, f"{FILE}.xlsx")


@router.post("/reports/list.csv", response_class=StreamingResponse, **for_role(Role.EDITOR))
def lists(state: InjectedState, asked: InForm, person: InjectedPerson) -> StreamingResponse:
    """The lists with whole numbers; the audit says who has them."""
    _note(state, asked, person, "csv")
    return sheet_download(state.ledger, asked.choice, Sheet.LIST, f"{FILE}.csv", numbers=True)


@router.post("/reports/list.xlsx", response_class=StreamingResponse, **for_role(Role.EDITOR))
def lists_workbook(state: InjectedState, asked: InForm, person: InjectedPerson) -> StreamingResponse:
    """The same as a workbook, with what can be done before it."""
    _note(state, asked, person, "xlsx")
    return workbook_download(state.ledger, asked.choice, FOR_PEOPLE, f"{FILE}.xlsx", numbers=True)


def _note(state: InjectedState, asked: Asked, person: InjectedPerson, kind: str) -> None:
    choice = asked.require()
    with state.ledger.reading() as db:
        ids = [campaign.id for campaign in chosen_campaigns(db, choice)]
    for campaign_id in ids:
        note_download(state.ledger, campaign_id, f"{FILE}.{kind}", who=person.name, now=state.clock())
