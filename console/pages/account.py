"""A person's own account: their roles, their password, and the browsers in which they are logged in."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.operations import log_ins, people
from campaigns.operations.passwords import BadPassword
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.auth import user_by_password
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.session_cookie import begin_session
from console.server.state import AppState, InjectedState
from workers.session_cookie import lifetime

router = page_router()

Text = Annotated[str, Form(max_length=200)]
Done = Annotated[str | None, Query(max_length=20)]


@router.get("/account", **for_role(Role.VIEWER))
def show_account(request: Request, state: InjectedState, person: InjectedPerson, done: Done = None) -> str:
    """Name, roles, sessions, and the form for a new password."""
    words = {
        "password": gettext("Your password is changed, and your other sessions are ended."),
        "ended": gettext("Your other sessions are ended."),
    }
    return _page(request, state, person.name, notice=words.get(done or ""))


@router.post("/account/password", **for_role(Role.VIEWER))
async def change_password(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    current: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    """Give oneself another password: every session ends, and this browser has a new one."""
    address, now = request.client.host if request.client else "", state.clock()
    if state.guard.seconds_to_wait(address, now, person.name):
        faults = {"current": gettext("Too many wrong passwords: wait a minute.")}
    elif await user_by_password(state, person.name, current) is None:
        state.guard.count_wrong(address, now, person.name)
        faults = {"current": gettext("This is not your password.")}
    elif password != again:
        faults = {"again": gettext("The two differ: type the same twice.")}
    else:
        return await to_thread.run_sync(_change_password, request, state, person.name, password)
    return HTMLResponse(await to_thread.run_sync(lambda: _page(request, state, person.name, faults=faults)), 422)


@router.post("/account/sessions", **for_role(Role.VIEWER))
def end_other_sessions(state: InjectedState, person: InjectedPerson) -> Response:
    """Log oneself out in every other browser."""
    log_ins.end_all(state.ledger, person.name, but=person.session_id, who=person.name, now=state.clock())
    return RedirectResponse("/account?done=ended", 303)


def _change_password(request: Request, state: AppState, name: str, password: str) -> Response:
    try:
        user = people.set_password(state.ledger, name, password, who=name, now=state.clock())
    except BadPassword as exc:
        faults = {"password": with_remedy(exc.message, exc.remedy)}
        return HTMLResponse(_page(request, state, name, faults=faults), 422)
    reply = RedirectResponse("/account?done=password", 303)
    begin_session(request, reply, user)
    return reply


def _page(request: Request, state: AppState, name: str, **facts: Any) -> str:
    shown = {"faults": {}, "notice": None} | facts
    user = people.named(state.ledger, name)
    sessions = log_ins.of_user(state.ledger, name, lifetime=lifetime(state.settings), now=state.clock())
    return render("account.html", request, user=user, sessions=sessions, **shown)
