"""A route of the pages: before it does anything it is known who asks, and whether their role allows it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from campaigns.operations.people import Role
from console.server.auth import READING, Caller, form_token, identify, require_same_site
from console.server.body import bounded
from console.server.request_checks import require_known_host, require_known_parameters
from console.server.state import AppState, equal_in_constant_time

FORM_LIMIT = 1 << 16
ROLE = "x-role"


class PageRoute(APIRoute):
    """Authenticates a person, asks for the role, and believes a form only if this console gave it to that person."""

    most_bytes: ClassVar[int] = FORM_LIMIT

    def get_route_handler(self) -> Any:
        """The handler that FastAPI calls."""
        handle, role = super().get_route_handler(), role_of(self)

        async def answer(request: Request) -> Response:
            state: AppState = request.app.state.state
            await require_known_host(request, state)
            caller = await identify(request)
            if not caller.is_person:
                raise HTTPException(403, "pages are for people: a token is for /api/v1 and /metrics")
            request.state.caller = caller
            caller.require_role(role)
            await require_known_parameters(request)
            if request.method in READING:
                return await handle(request)
            await require_same_site(request, state)
            request = Request(request.scope, bounded(request, self.most_bytes))
            try:
                await _require_form_token(request, caller)
                return await handle(request)
            finally:
                await request.close()  # the files of a form

        return answer


class PublicRoute(APIRoute):
    """A route for whoever has not logged in yet. It believes forms of this site alone, and knows no person."""

    def get_route_handler(self) -> Any:
        """The handler that FastAPI calls."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            state: AppState = request.app.state.state
            await require_known_host(request, state)
            await require_known_parameters(request)
            if request.method not in READING:
                await require_same_site(request, state)
            return await handle(Request(request.scope, bounded(request, FORM_LIMIT)))

        return answer


def public_router() -> APIRouter:
    """A router for pages that need no log-in."""
    return APIRouter(route_class=PublicRoute, default_response_class=HTMLResponse)


def page_router(*, max_body: int = FORM_LIMIT) -> APIRouter:
    """A router for pages. Forms of more than `max_body` bytes are refused (413)."""
    kind = type(PageRoute.__name__, (PageRoute,), {"most_bytes": max_body})
    return APIRouter(route_class=kind, default_response_class=HTMLResponse)


def for_role(role: Role) -> dict[str, Any]:
    """What a route of the pages says of itself: the role that it needs. Used as `@router.get("/x", **for_role(…))`."""
    return {"openapi_extra": {ROLE: role}}


def role_of(route: APIRoute) -> Role:
    """The role that a route of the pages needs: a route that names none is for administrators."""
    return Role((route.openapi_extra or {}).get(ROLE, Role.ADMIN))


async def person_of(request: Request) -> Caller:
    """Who asks, on a route of the pages."""
    caller: Caller = request.state.caller
    return caller


InjectedPerson = Annotated[Caller, Depends(person_of)]


async def _require_form_token(request: Request, caller: Caller) -> None:
    """Refuse (403) a form without the token that `render` puts into this person's pages."""
    try:
        given = (await request.form()).get("token", "")
    except ClientDisconnect:
        given = ""
    if not isinstance(given, str) or not equal_in_constant_time(given, form_token(caller)):
        raise HTTPException(403, "this form is not one of this console's: open the page again and try again")
