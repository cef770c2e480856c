"""The OpenAPI document of the API, and the page that shows it, whose assets are those of an installed package."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute

from campaigns.operations.api_tokens import MEANINGS
from console.api import (
    accounts,
    appends,
    calls,
    campaigns,
    contacts,
    draft_checks,
    drafts,
    events,
    live_calls,
    motion,
    persons,
    rehearsals,
    reports,
    schedules,
    starts,
    suppressions,
    tokens,
    webhooks,
)
from console.server.api_route import PREFIX, ApiRoute, needs, scope_of
from console.server.etags import JSON
from console.server.problems import Problem

MODULES = (  # calls first: routes are tried in their order, and none is asked for as often
    *(
        calls,
        campaigns,
        drafts,
        draft_checks,
        rehearsals,
        starts,
        contacts,
        motion,
        persons,
        appends,
        reports,
        live_calls,
    ),
    *(suppressions, accounts, schedules, webhooks, events, tokens),
)
RESOURCES = tuple(module.router for module in MODULES)
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}  # of fastapi-offline
OWN_ASSETS = {"api-docs.js": "text/javascript"}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Dialer API</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/api-docs.js"></script>
</body>
</html>
"""
ABOUT = (
    "Everything that the command line can do, for programs. A token stands in `Authorization: Bearer dlr_…`; "
    "`dialer tokens create` makes one. Its scopes:\n\n"
    + "\n".join(f"* `{scope}`: {meaning}" for scope, meaning in MEANINGS.items())
)

router = APIRouter(route_class=ApiRoute, include_in_schema=False)


@router.get(f"{PREFIX}/openapi.json", **needs(None))
def openapi_document() -> JSONResponse:
    """The document."""
    return JSONResponse(document())


@router.get("/api/docs", **needs(None))
def docs_page() -> HTMLResponse:
    """The document as a page."""
    return HTMLResponse(PAGE)


@router.get("/api/docs/{name}", **needs(None))
def docs_asset(name: str) -> Response:
    """An asset of the page."""
    if name in ASSETS:
        return Response(files("fastapi_offline").joinpath("static", name).read_bytes(), media_type=ASSETS[name])
    if name in OWN_ASSETS:
        return Response(files("console").joinpath("templates", name).read_bytes(), media_type=OWN_ASSETS[name])
    raise HTTPException(404, "no such file")


def routes() -> list[ApiRoute]:
    """Every route that the document describes."""
    return [route for resource in RESOURCES for route in resource.routes if isinstance(route, ApiRoute)]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document: OpenAPI 3.1, all replies by their models, all errors as problems."""
    described = routes()
    for route in described:
        route.operation_id = route.name
    whole = get_openapi(title="Dialer API", version=version("campaign-dialer"), description=ABOUT, routes=described)
    components = whole.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token: `dlr_…`"},
        "password": {"type": "http", "scheme": "basic", "description": "The console's user and password"},
    }
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= {**problem.pop("$defs", {}), "Problem": problem}
    for route in described:
        for method in route.methods or ():
            operation = whole["paths"][route.path][method.lower()]
            _say_scope(operation, route)
            if method == "GET" and JSON in operation["responses"].get("200", {}).get("content", {}):
                _say_unchanged(operation)
            _leave_null_out(operation)
    return whole


def _say_scope(operation: dict[str, Any], route: APIRoute) -> None:
    scope = scope_of(route)
    operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`".strip()


def _say_unchanged(operation: dict[str, Any]) -> None:
    operation["responses"]["304"] = {"description": "Nothing has changed since the reply that `If-None-Match` names."}
    about = "The ETag of a reply that the caller has: 304 where this one would say the same."
    header = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
    operation.setdefault("parameters", []).append(header | {"description": about})


def _leave_null_out(operation: dict[str, Any]) -> None:
    """What may be absent is not null: a parameter cannot be, and clients that are generated send a body or none."""
    bodies = operation.get("requestBody", {}).get("content", {}).values()
    for holder in (*operation.get("parameters", ()), *bodies):
        schema = holder["schema"]
        kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
        if len(kinds) == 1:
            del schema["anyOf"]
            holder["schema"] = kinds[0] if "$ref" in kinds[0] else schema | kinds[0]
