"""The pages of schedules: campaigns launched again and again, their next runs, and what became of the last."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.launch import schedules
from campaigns.launch.schedules import NoSuchSchedule, Schedule
from campaigns.operations.people import Role
from campaigns.reporting.audit_trail import AuditFilter, audit_after
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.cursors import After, moment_and_row_after, page_of
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import InjectedState
from dialer.errors import DialerError

RUNS_SHOWN = 50
NEXT_RUNS_SHOWN = 5
REFRESH_SECONDS = 5

router = page_router()

Done = Annotated[str | None, Query(max_length=20)]


@router.get("/schedules", **for_role(Role.VIEWER))
def show_schedules(request: Request, state: InjectedState, done: Done = None) -> str:
    """What recurs, when next, and what the last run became."""
    recurring = schedules.listed(state.ledger)
    return render("schedules.html", request, schedules=recurring, notice=_notice(done), every=REFRESH_SECONDS)


@router.get("/schedules/{name}", **for_role(Role.VIEWER))
def show_schedule(name: str, request: Request, state: InjectedState, after: After = None, done: Done = None) -> str:
    """One of them: its next runs as its file has them, and all that it has launched, missed or been refused."""
    schedule, start = schedules.by_name(state.ledger, name), moment_and_row_after(after)
    wanted = AuditFilter(who=f"schedule {schedule.name}", event="schedule ran")
    with state.ledger.reading() as db:
        runs = audit_after(db, wanted, limit=RUNS_SHOWN + 1, after=start)
    page = page_of(runs, RUNS_SHOWN, lambda run: run, lambda run: (run.at.isoformat(), run.id))
    try:
        next_runs, fault = schedules.next_runs(schedule, state.clock(), NEXT_RUNS_SHOWN), ""
    except DialerError as exc:
        next_runs, fault = [], with_remedy(exc.message, exc.remedy)
    return render(
        "schedule.html",
        request,
        schedule=schedule,
        runs=page.items,
        next_runs=[] if schedule.paused_at else next_runs,
        fault=fault,
        newest=_address(schedule) if after else None,
        older=f"{_address(schedule)}?{urlencode({'after': page.next})}" if page.next else None,
        notice=_notice(done),
        every=None if after else REFRESH_SECONDS,
    )


@router.post("/schedules/{name}/pause", **for_role(Role.SENDER))
def pause_schedule(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Let its hours pass without a launch. Pressed twice, it stays paused."""
    return _to(schedules.pause(state.ledger, name, who=person.name, now=state.clock()), "paused")


@router.post("/schedules/{name}/resume", **for_role(Role.SENDER))
def resume_schedule(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Launch it at its hours again."""
    return _to(schedules.resume(state.ledger, name, who=person.name, now=state.clock()), "resumed")


@router.post("/schedules/{name}/run", **for_role(Role.SENDER))
def run_schedule(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Launch it once, now. Pressed twice, it is launched once."""
    return _to(schedules.run_now(state.ledger, name, who=person.name, now=state.clock()), "asked")


@router.get("/schedules/{name}/remove", **for_role(Role.SENDER))
def confirm_removal(name: str, request: Request, state: InjectedState) -> str:
    """What a removal means, and the button that does it."""
    return render("schedule-remove.html", request, schedule=schedules.by_name(state.ledger, name))


@router.post("/schedules/{name}/remove", **for_role(Role.SENDER))
def remove_schedule(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Launch it no more. Pressed twice, it is gone all the same."""
    try:
        schedules.remove(state.ledger, name, who=person.name, now=state.clock())
    except NoSuchSchedule:
        return RedirectResponse("/schedules", 303)
    return RedirectResponse("/schedules?done=removed", 303)


def _address(schedule: Schedule) -> str:
    return f"/schedules/{quote(schedule.name)}"


def _to(schedule: Schedule, done: str) -> Response:
    return RedirectResponse(f"{_address(schedule)}?done={done}", 303)


def _notice(done: str | None) -> str | None:
    words = {
        "paused": gettext("It is paused: its hours pass without a launch. What it has started goes on."),
        "resumed": gettext("It is launched at its hours again."),
        "asked": gettext("It is launched as soon as a worker is free: in a moment, as a rule."),
        "removed": gettext("It is launched no more. What it has started goes on."),
    }
    return words.get(done or "")
