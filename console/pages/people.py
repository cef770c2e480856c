"""The pages of people: who may log in and what for, a new one, one's roles, password and sessions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.operations import log_ins, people
from campaigns.operations.passwords import BadPassword
from campaigns.operations.people import BadUser, LastAdmin, Role, UserNameTaken
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import said, with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState
from workers.session_cookie import lifetime

router = page_router()

Text = Annotated[str, Form(max_length=200)]
Roles = Annotated[list[str], Form()]
Done = Annotated[str | None, Query(max_length=20)]


@router.get("/people", **for_role(Role.ADMIN))
def show_people(request: Request, state: InjectedState, done: Done = None) -> str:
    """Everybody who may log in, or might once, and the form that adds somebody."""
    return _list_page(request, state, notice=_notice(done))


@router.post("/people", **for_role(Role.ADMIN))
def add_person(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    name: Text = "",
    password: Text = "",
    roles: Roles = [],  # noqa: B006  # FastAPI copies it
) -> Response:
    """Let somebody in; or say what is wrong, at its field."""
    try:
        people.add(state.ledger, name, roles, password, who=person.name, now=state.clock())
    except BadPassword as exc:
        faults = {"password": with_remedy(exc.message, exc.remedy)}
    except UserNameTaken as exc:
        faults = {"name": said(exc.message)}
    except BadUser as exc:
        faults = {"name": with_remedy(exc.message, exc.remedy)} if roles else {"roles": gettext("tick at least one")}
    else:
        return RedirectResponse("/people?done=added", 303)
    typed = {"name": name, "roles": roles}
    return HTMLResponse(_list_page(request, state, typed=typed, faults=faults), 422)


@router.get("/people/{name}", **for_role(Role.ADMIN))
def show_person(name: str, request: Request, state: InjectedState, done: Done = None) -> str:
    """One person: roles, sessions, and what can be done."""
    return _person_page(request, state, name, notice=_notice(done))


@router.post("/people/{name}/roles", **for_role(Role.ADMIN))
def change_roles(
    name: str,
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    roles: Roles = [],  # noqa: B006
) -> Response:
    """Give somebody these roles instead of those they have."""
    try:
        people.set_roles(state.ledger, name, roles, who=person.name, now=state.clock())
    except (BadUser, LastAdmin) as exc:
        fault = gettext("tick at least one") if not roles else with_remedy(exc.message, exc.remedy)
        return HTMLResponse(_person_page(request, state, name, faults={"roles": fault}), 422)
    return _to(name, "roles")


@router.post("/people/{name}/password", **for_role(Role.ADMIN))
def change_password(
    name: str, request: Request, state: InjectedState, person: InjectedPerson, password: Text = ""
) -> Response:
    """Give somebody a new password, and end their sessions."""
    try:
        people.set_password(state.ledger, name, password, who=person.name, now=state.clock())
    except BadPassword as exc:
        return HTMLResponse(
            _person_page(request, state, name, faults={"password": with_remedy(exc.message, exc.remedy)}), 422
        )
    return _to(name, "password")


@router.post("/people/{name}/disable", **for_role(Role.ADMIN))
def disable_person(name: str, request: Request, state: InjectedState, person: InjectedPerson) -> Response:
    """Let somebody in no more. Pressed twice, they stay out."""
    try:
        people.disable(state.ledger, name, who=person.name, now=state.clock())
    except LastAdmin as exc:
        return HTMLResponse(
            _person_page(request, state, name, faults={"disable": with_remedy(exc.message, exc.remedy)}), 409
        )
    return _to(name, "disabled")


@router.post("/people/{name}/enable", **for_role(Role.ADMIN))
def enable_person(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Let somebody in again."""
    people.enable(state.ledger, name, who=person.name, now=state.clock())
    return _to(name, "enabled")


@router.post("/people/{name}/sessions", **for_role(Role.ADMIN))
def end_sessions(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Log somebody out everywhere."""
    log_ins.end_all(state.ledger, name, who=person.name, now=state.clock())
    return _to(name, "ended")


def _list_page(request: Request, state: AppState, **facts: Any) -> str:
    shown = {"typed": {"name": "", "roles": [Role.VIEWER]}, "faults": {}, "notice": None} | facts
    return render("people.html", request, people=people.listed(state.ledger), meanings=role_meanings(), **shown)


def _person_page(request: Request, state: AppState, name: str, **facts: Any) -> str:
    shown = {"faults": {}, "notice": None} | facts
    user = people.named(state.ledger, name)
    sessions = log_ins.of_user(state.ledger, name, lifetime=lifetime(state.settings), now=state.clock())
    return render("person.html", request, user=user, sessions=sessions, meanings=role_meanings(), **shown)


def role_meanings() -> dict[Role, str]:
    """What each role allows, in the reader's language."""
    return {
        Role.VIEWER: gettext("look at everything, and change nothing"),
        Role.EDITOR: gettext("prepare, check, plan and rehearse campaigns; withdraw and suppress contacts"),
        Role.SENDER: gettext("start, pause, resume, cancel and redial campaigns; test calls and calls on the line"),
        Role.ADMIN: gettext("all of that, and people, accounts, tokens, webhooks and erasure"),
    }


def _notice(done: str | None) -> str | None:
    words = {
        "added": gettext("They may log in now. Tell them their password, and to change it."),
        "roles": gettext("The roles are changed, from the next click on."),
        "password": gettext("The password is changed, and their sessions are ended."),
        "disabled": gettext("They may not log in any more, and their sessions are ended."),
        "enabled": gettext("They may log in again."),
        "ended": gettext("Their sessions are ended."),
    }
    return words.get(done or "")


def _to(name: str, done: str) -> Response:
    return RedirectResponse(f"/people/{people.name_of(name)}?done={done}", 303)
