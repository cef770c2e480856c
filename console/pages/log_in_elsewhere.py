"""Log-in at an OpenID Connect provider: there, and back into a session here."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from campaigns.operations import people
from console.server import identity_provider
from console.server.identity_provider import Pending
from console.server.page_route import public_router
from console.server.request_checks import own_page
from console.server.session_cookie import begin_session, comes_by_https
from console.server.state import AppState, InjectedState

COOKIE, PATH, MINUTES = "dialer_oidc", "/login/oidc", 10

public = public_router()

Text = Annotated[str | None, Query(max_length=4000)]


@public.get(PATH)
def begin_elsewhere(
    request: Request, state: InjectedState, back: Annotated[str, Query(alias="next", max_length=2000)] = "/"
) -> Response:
    """Send the browser to the provider."""
    _require_provider(state)
    url, pending = identity_provider.begin(state.settings.oidc, _redirect_uri(request), own_page(back))
    reply = RedirectResponse(url, 303)
    kept = base64.urlsafe_b64encode(identity_provider.kept(pending).encode()).decode()
    secure = comes_by_https(request)
    reply.set_cookie(COOKIE, kept, max_age=60 * MINUTES, path=PATH, secure=secure, httponly=True, samesite="lax")
    return reply


@public.get(f"{PATH}/callback")
def finish_elsewhere(
    request: Request,
    state: InjectedState,
    code: Text = None,
    answered_state: Annotated[str | None, Query(alias="state", max_length=200)] = None,
    iss: Text = None,
    error: Text = None,
    error_description: Text = None,
    error_uri: Text = None,
    session_state: Text = None,
    scope: Text = None,
    authuser: Text = None,
    prompt: Text = None,
    hd: Text = None,
) -> Response:
    """Let in whoever comes back with the provider's word, with the roles that it gives now."""
    _require_provider(state)
    given = {"code": code, "state": answered_state, "iss": iss, "error": error}
    answer = {name: value for name, value in given.items() if value is not None}
    pending, now = _pending(request), state.clock()
    identity = identity_provider.finish(state.settings.oidc, answer, pending, _redirect_uri(request), now)
    user = people.known_elsewhere(state.ledger, identity.id, identity.name, identity.roles, now=now)
    reply = RedirectResponse(own_page(pending.back if pending else "/"), 303)
    reply.delete_cookie(COOKIE, path=PATH)
    begin_session(request, reply, user, elsewhere=True)
    return reply


def _require_provider(state: AppState) -> None:
    if state.settings.oidc.issuer is None:
        raise HTTPException(404, "no provider is configured: log in with name and password at /login")


def _pending(request: Request) -> Pending | None:
    try:
        return identity_provider.kept_by(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")).decode())
    except (binascii.Error, ValueError):
        return None


def _redirect_uri(request: Request) -> str:
    """Where the provider sends the browser back to: this console, under the name by which it was asked."""
    scheme = "https" if comes_by_https(request) else "http"
    return f"{scheme}://{request.headers.get('host', '')}{PATH}/callback"
