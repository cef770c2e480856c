"""A route of the API: before its body is read it is known who asks, whether they may, and how often they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute

from campaigns.operations.api_tokens import Scope
from campaigns.operations.people import Role
from console.server.auth import READING, Caller, identify, require_json_or_header, require_same_site
from console.server.body import JsonRequest
from console.server.etags import unless_seen
from console.server.problems import MEDIA_TYPE
from console.server.request_checks import require_known_host, require_known_parameters
from console.server.state import AppState

PREFIX = "/api/v1"
MAX_BODY = 1 << 20
SCOPE, ROLE = "x-scope", "x-role"
NO_NUL = r"^[^\x00]*$"  # of texts that the ledger keeps: PostgreSQL takes none
PROBLEM = {"description": "A problem.", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}

Handler = Callable[[Request], Awaitable[Response]]


class ApiRoute(APIRoute):
    """Authenticates, asks for the scope and counts the request, then does what other routes do."""

    def get_route_handler(self) -> Any:
        """The handler that FastAPI calls."""
        handle, scope, role = super().get_route_handler(), scope_of(self), role_of_person(self)

        async def answer(request: Request) -> Response:
            state: AppState = request.app.state.state
            await require_known_host(request, state)
            caller = await identify(request)
            allowance = state.rate_limit.take(caller.name)
            request.state.rate_headers = allowance.headers  # for errors, too
            if allowance.left < 0:
                raise HTTPException(429, "too many requests", {"Retry-After": str(allowance.seconds)})
            if caller.is_person and role is not None:
                caller.require_role(role)
            elif scope is not None:
                caller.require(scope)
            if caller.is_person and request.method not in READING:
                await require_same_site(request, state)
                await require_json_or_header(request)
            await require_known_parameters(request)
            request.state.caller = caller
            response = await handle(JsonRequest(request.scope, request.receive))
            if request.method == "GET" and response.status_code == 200:
                response = unless_seen(request.headers.get("if-none-match"), response)
            response.headers.update(allowance.headers)
            return response

        return answer


def api_router(tag: str) -> APIRouter:
    """A router for one resource of the API."""
    return APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=[tag], max_body_size=MAX_BODY)


def needs(
    scope: Scope | None,
    *,
    person: Role | None = None,
    status: int = 200,
    ok: Mapping[str, object] | None = None,
    also: Mapping[int, object] | None = None,
    **extra: object,
) -> dict[str, Any]:
    """What a route says of itself: the scope that it needs (None: that of no token), and how it answers.

    `person` is the role that a person needs, where their scopes do not say it. `status` is that of its good reply; `ok`
    is merged into that reply's description in the OpenAPI document, `extra` into the route's own. `also` are other good
    replies by their status.
    """
    security: list[dict[str, list[str]]] = [{"token": []}, {"password": []}]
    return {
        "status_code": status,
        "responses": {status: ok or {}, **(also or {}), "4XX": PROBLEM, "5XX": PROBLEM},
        "openapi_extra": {SCOPE: scope, "security": security, **({ROLE: person} if person else {}), **extra},
    }


def scope_of(route: APIRoute) -> Scope | None:
    """The scope that a route needs; None where any caller may ask."""
    return (route.openapi_extra or {}).get(SCOPE)


def role_of_person(route: APIRoute) -> Role | None:
    """The role that a person needs for a route; None where their scopes say what they may."""
    return (route.openapi_extra or {}).get(ROLE)


async def caller_of(request: Request) -> Caller:
    """Who asks, on a route of the API."""
    caller: Caller = request.state.caller
    return caller


InjectedCaller = Annotated[Caller, Depends(caller_of)]
