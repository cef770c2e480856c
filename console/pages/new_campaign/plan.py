"""The step "plan": when the calls will run and end, who will not be called and why, what it will cost."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.launch.guided.editing import DraftInWork
from campaigns.operations.people import Role
from console.list_readings import begin_plan
from console.pages.new_campaign.chart import chart_of
from console.pages.new_campaign.drafted_plan import drafted_plan, plan_at_hand
from console.pages.new_campaign.readings import reading_facts
from console.pages.new_campaign.steps import InjectedWork, go_to, step_page
from console.pages.said import with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from dialer.errors import DialerError

router = page_router()


@router.get("/new/{draft_id}/plan", **for_role(Role.EDITOR))
def plan_page(request: Request, work: InjectedWork, state: InjectedState, person: InjectedPerson) -> HTMLResponse:
    """The plan, where it was made or is soon made; how far it is; else the button that makes it."""
    try:
        note = plan_at_hand(work, state, person.name)
    except DialerError as exc:
        return _refused(request, work, state, exc)
    plan = drafted_plan(note)
    chart = chart_of(plan.slots, work.definition.schedule.zone or "UTC") if plan else None
    return step_page("plan", request, work, plan=plan, chart=chart, **reading_facts(note, state))


@router.post("/new/{draft_id}/plan", **for_role(Role.EDITOR))
def make_plan(request: Request, work: InjectedWork, state: InjectedState, person: InjectedPerson) -> Response:
    """Make the plan anew, from the account as it now is: of a long list a worker does so."""
    try:
        begin_plan(work.draft, state, person.name)
    except DialerError as exc:
        return _refused(request, work, state, exc)
    return go_to("plan", work)


def _refused(request: Request, work: DraftInWork, state: AppState, error: DialerError) -> HTMLResponse:
    shown = {**reading_facts(None, state), "problems": [(with_remedy(error.message, error.remedy), "")]}
    return step_page("plan", request, work, status=422, plan=None, chart=None, **shown)
