"""A route of the API: before its body is read it is known who asks, whether they may, and how often they have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Header
from fastapi.routing import APIRoute

from campaigns.operations.api_tokens import Scope
from campaigns.operations.people import Role
from console.server.auth import READING, Caller, identify, require_json_or_header, require_same_site
from console.server.body import JsonRequest, bounded
from console.server.etags import unless_seen
from console.server.problems import MEDIA_TYPE
from console.server.request_checks import require_known_host, require_known_parameters
from console.server.state import AppState

PREFIX = "/api/v1"
MAX_BODY = 1 << 20
SCOPE, ROLE, MOST_BYTES = "x-scope", "x-role", "x-most-bytes"
BODY = "requestBody"  # of a route that reads its body by itself
NO_BODY = (b"", b"{}", b"null")
PROMISES = ("if-match", "idempotency-key")  # who sends them relies on them
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
            asked = JsonRequest(request.scope, bounded(request, _most_bytes(self)))
            if request.method not in READING:
                self._refuse_what_is_not_looked_at(request)
                await self._refuse_a_body_that_is_not_read(asked)
            response = await handle(asked)
            if request.method == "GET" and response.status_code == 200:
                response = unless_seen(request.headers.get("if-none-match"), response)
            response.headers.update(allowance.headers)
            return response

        return answer

    def _refuse_what_is_not_looked_at(self, request: Request) -> None:
        """Refuse what promises something that this route does not keep, and a body that has to be unpacked."""
        known = {field.alias for field in get_flat_params(self.dependant) if isinstance(field.field_info, Header)}
        for name in PROMISES:
            if name in request.headers and name not in known:
                raise HTTPException(422, f"the header {name} is not looked at here: leave it out")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HTTPException(415, "a body is sent as it is, without Content-Encoding")

    async def _refuse_a_body_that_is_not_read(self, request: Request) -> None:
        reads = self.body_field is not None or BODY in (self.openapi_extra or {})
        if not reads and (await request.body()).strip() not in NO_BODY:
            raise HTTPException(422, "nothing is said in the body of this request: leave it empty")


def api_router(tag: str) -> APIRouter:
    """A router for one resource of the API."""
    return APIRouter(prefix=PREFIX, route_class=ApiRoute, tags=[tag])


def needs(
    scope: Scope | None,
    *,
    person: Role | None = None,
    status: int = 200,
    ok: Mapping[str, object] | None = None,
    also: Mapping[int, object] | None = None,
    most_bytes: int = MAX_BODY,
    **extra: object,
) -> dict[str, Any]:
    """What a route says of itself: the scope that it needs (None: that of no token), and how it answers.

    `person` is the role that a person needs, where their scopes do not say it. `status` is that of its good reply; `ok`
    is merged into that reply's description in the OpenAPI document, `extra` into the route's own. `also` are other good
    replies by their status, `most_bytes` are those of a body.
    """
    security: list[dict[str, list[str]]] = [{"token": []}, {"password": []}]
    return {
        "status_code": status,
        "responses": {status: ok or {}, **(also or {}), "4XX": PROBLEM, "5XX": PROBLEM},
        "openapi_extra": {
            SCOPE: scope,
            MOST_BYTES: most_bytes,
            "security": security,
            **({ROLE: person} if person else {}),
            **extra,
        },
    }


def scope_of(route: APIRoute) -> Scope | None:
    """The scope that a route needs; None where any caller may ask."""
    return (route.openapi_extra or {}).get(SCOPE)


def role_of_person(route: APIRoute) -> Role | None:
    """The role that a person needs for a route; None where their scopes say what they may."""
    return (route.openapi_extra or {}).get(ROLE)


def _most_bytes(route: APIRoute) -> int:
    return int((route.openapi_extra or {}).get(MOST_BYTES, MAX_BODY))


async def caller_of(request: Request) -> Caller:
    """Who asks, on a route of the API."""
    caller: Caller = request.state.caller
    return caller


InjectedCaller = Annotated[Caller, Depends(caller_of)]
