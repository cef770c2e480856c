"""Log-in with name and password, and log-out. Wrong passwords are slowed down by address and by name."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.operations.passwords import MOST
from campaigns.operations.people import Role, User
from console.pages.language import gettext, ngettext
from console.pages.rendering import render
from console.server.auth import audit_guesses, user_by_password
from console.server.page_route import InjectedPerson, for_role, page_router, public_router
from console.server.request_checks import own_page
from console.server.session_cookie import begin_session, end_session
from console.server.state import AppState, InjectedState

LONGEST_PATH = 2000

public = public_router()
router = page_router()

Next = Annotated[str, Query(alias="next", max_length=LONGEST_PATH)]


@public.get("/login")
def show_log_in(request: Request, back: Next = "/") -> str:
    """The form for name and password."""
    return _page(request, back)


@public.post("/login")
async def log_in(
    request: Request,
    state: InjectedState,
    name: Annotated[str, Form(max_length=MOST)] = "",
    password: Annotated[str, Form(max_length=MOST)] = "",
    back: Annotated[str, Form(alias="next", max_length=LONGEST_PATH)] = "/",
) -> Response:
    """Begin a session in this browser, and go where it was going; the form again where the password is wrong."""
    address, now = request.client.host if request.client else "", state.clock()
    if seconds := state.guard.seconds_to_wait(address, now, name):
        await audit_guesses(state)
        words = ngettext(
            "Too many wrong passwords: try again in %(number)s second.",
            "Too many wrong passwords: try again in %(number)s seconds.",
            seconds,
        )
        page = _page(request, back, name=name, fault=words % {"number": seconds})
        return HTMLResponse(page, 429, {"Retry-After": str(seconds)})
    user = await user_by_password(state, name, password)
    if user is None:
        state.guard.count_wrong(address, now, name)
        await audit_guesses(state)
        fault = gettext("Name and password do not fit, or this user may not log in any more.")
        return HTMLResponse(_page(request, back, name=name, fault=fault), 401)
    state.guard.remember_right(address)
    return await _logged_in(request, user, back)


@router.post("/logout", **for_role(Role.VIEWER))
def log_out(request: Request, person: InjectedPerson) -> Response:
    """End the session in this browser."""
    reply = RedirectResponse("/login", 303)
    end_session(request, reply, person.name)
    return reply


async def _logged_in(request: Request, user: User, back: str) -> Response:
    reply = RedirectResponse(own_page(back), 303)
    await to_thread.run_sync(begin_session, request, reply, user)
    return reply


def _page(request: Request, back: str, *, name: str = "", fault: str = "") -> str:
    state: AppState = request.app.state.state
    console = state.settings.console
    facts = {"name": name, "fault": fault, "first": console.user, "local": console.local_log_in}
    return render("login.html", request, **facts | {"back": own_page(back), "oidc": state.settings.oidc})
