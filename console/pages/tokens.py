"""The page of tokens, which programs show to use the API: made here and shown once, revoked here."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import MEANINGS, BadToken, Scope, TokenNameTaken
from campaigns.operations.people import Role
from console.pages.language import gettext
from console.pages.rendering import render
from console.pages.said import with_remedy
from console.server.page_route import InjectedPerson, for_role, page_router
from console.server.state import AppState, InjectedState

router = page_router()

Text = Annotated[str, Form(max_length=200)]


@router.get("/tokens", **for_role(Role.ADMIN))
def show_tokens(
    request: Request, state: InjectedState, done: Annotated[str | None, Query(max_length=20)] = None
) -> str:
    """All tokens, and the form that makes one."""
    notice = gettext("The token is revoked: it opens nothing from now on.") if done == "revoked" else None
    return _list_page(request, state, notice=notice)


@router.post("/tokens", **for_role(Role.ADMIN))
def create_token(
    request: Request,
    state: InjectedState,
    person: InjectedPerson,
    name: Text = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006  # FastAPI copies it
    days: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Make a token and show it this once; or say what is wrong, at its field."""
    typed = {"name": name, "scopes": scopes, "days": days}
    faults: dict[str, str] = {}
    now, name = state.clock(), name.strip()
    if days and not (days.isdecimal() and 1 <= int(days) <= 3650):
        faults["days"] = gettext("write a whole number of days from 1 to 3650, or nothing")
    else:
        expires_at = now + timedelta(days=int(days)) if days else None
        try:
            token, secret = api_tokens.create(
                state.ledger, name, scopes, expires_at=expires_at, who=person.name, now=now
            )
        except TokenNameTaken as exc:
            faults["name"] = with_remedy(exc.message, exc.remedy)
        except BadToken as exc:
            faults["scopes" if api_tokens.NAME.fullmatch(name) else "name"] = with_remedy(exc.message, exc.remedy)
        else:
            return HTMLResponse(render("token-created.html", request, token=token, secret=secret))
    return HTMLResponse(_list_page(request, state, typed=typed, faults=faults), 422)


@router.post("/tokens/{name}/revoke", **for_role(Role.ADMIN))
def revoke_token(name: str, state: InjectedState, person: InjectedPerson) -> Response:
    """Let a token open nothing more. Pressed twice, it stays revoked."""
    api_tokens.revoke(state.ledger, name, who=person.name, now=state.clock())
    state.tokens.forget()
    return RedirectResponse("/tokens?done=revoked", 303)


def _list_page(request: Request, state: AppState, **facts: Any) -> str:
    shown = {"typed": {"name": "", "scopes": [], "days": ""}, "faults": {}, "notice": None} | facts
    tokens, now = api_tokens.listed(state.ledger), state.clock()
    return render("tokens.html", request, tokens=tokens, now=now, scopes=list(Scope), meanings=MEANINGS, **shown)
