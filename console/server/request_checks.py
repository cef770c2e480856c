"""What pages, API and metrics ask of a request: a host that is ours, parameters that exist, a method that is served."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from fastapi import APIRouter, HTTPException, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor

from campaigns.operations.control import Action
from console.server.headers import App, Message, Receive, Send
from console.server.state import InjectedState
from workers.hosts import answers_to

HEAD = "dialer.head"  # in the scope of a request whose answer is read up to its body
WITH_HEAD_OF_THEIR_OWN = ("/receipts/", "/notifications/", "/responses/")


class ActionConvertor(Convertor[str]):
    """In a path: one of the actions, so that anything else in its place is another path."""

    regex = "|".join(Action)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("action", ActionConvertor())
ACTION = "{action:action}"
OWN_PAGE = re.compile(r"/(?![/\\])[^\\\s]*")


class HeadAsGet:
    """ASGI middleware: HEAD is answered as GET is, without the body, which the server leaves out."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD" and not scope["path"].startswith(WITH_HEAD_OF_THEIR_OWN):
            scope = {**scope, "method": "GET", HEAD: True}
        await self._app(scope, receive, send)


async def require_known_host(request: Request, state: InjectedState) -> None:
    """Refuse (421) a request for a host that is not ours: a page of another site may have made its name lead here."""
    host = request.headers.get("host", "")
    if not answers_to(host, state.settings):
        raise HTTPException(421, f"this console does not answer to the host {host[:80]!r}")


async def require_known_parameters(request: Request) -> None:
    """Refuse (422) a parameter that this address does not have, or that is given twice.

    Left out in silence it would change what is asked.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = {field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)}
    for name in request.query_params:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known)) or 'none'}"
            raise HTTPException(422, f"there is no parameter {name[:40]!r} here: {hint}")
        if len(request.query_params.getlist(name)) > 1:
            raise HTTPException(422, f"the parameter {name} is given twice: give it once")


def own_page(path: str) -> str:
    """A path of this console to send a browser to; the first page instead of what would lead elsewhere."""
    return path if OWN_PAGE.fullmatch(path) and path.isprintable() else "/"


def refusal_of_route(request: Request, routers: Iterable[APIRouter]) -> HTTPException:
    """The refusal of a request that no route serves: 405 where another method is served, else 404."""
    routes = (route for router in routers for route in router.routes if isinstance(route, APIRoute))
    served = {method for route in routes if route.path_regex.match(request.url.path) for method in route.methods or ()}
    if not served:
        return HTTPException(404, "there is nothing here")
    methods = ", ".join(sorted(served | ({"HEAD"} if "GET" in served else set())))
    return HTTPException(405, f"{request.method[:20]} is not served here: {methods}", {"Allow": methods})
