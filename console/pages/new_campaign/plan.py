"""The step "plan": when the calls will run and end, who will not be called and why, what it will cost."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from campaigns.launch.guided.editing import DraftInWork
from campaigns.operations.people import Role
from console.pages.new_campaign.chart import chart_of
from console.pages.new_campaign.drafted_plan import make_plan_of, plan_at_hand
from console.pages.new_campaign.steps import InjectedWork, go_to, step_page
from console.pages.said import with_remedy
from console.server.page_route import for_role, page_router
from console.server.state import InjectedState
from dialer.errors import DialerError

router = page_router()


@router.get("/new/{draft_id}/plan", **for_role(Role.EDITOR))
def plan_page(request: Request, work: InjectedWork, state: InjectedState) -> HTMLResponse:
    """The plan, where it was made or is soon made; else the button that makes it."""
    try:
        plan = plan_at_hand(work, state)
    except DialerError as exc:
        return _page(request, work, 422, plan=None, problem=with_remedy(exc.message, exc.remedy))
    chart = chart_of(plan.slots, work.definition.schedule.zone or "UTC") if plan else None
    return _page(request, work, plan=plan, chart=chart)


@router.post("/new/{draft_id}/plan", **for_role(Role.EDITOR))
def make_plan(request: Request, work: InjectedWork, state: InjectedState) -> Response:
    """Make the plan anew, from the account as it now is."""
    try:
        make_plan_of(work, state)
    except DialerError as exc:
        return _page(request, work, 422, plan=None, problem=with_remedy(exc.message, exc.remedy))
    return go_to("plan", work)


def _page(request: Request, work: DraftInWork, status: int = 200, **facts: Any) -> HTMLResponse:
    return step_page("plan", request, work, status=status, **{"problem": "", "chart": None} | facts)
