"""Every route of the console, asked by schemathesis with what fits its schema and with what does not.

Those of the API by the very document that they are published in, with tokens of every scope: each reply is one that the
document describes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks as by_document

from campaigns.operations import api_tokens
from campaigns.operations.api_tokens import Scope
from console import receipts
from console.api.document import document, routes
from console.pages import campaigns, contacts, home
from console.server.api_route import scope_of
from console.web import health, metrics
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.patience import PATIENCE

BASIC = "Basic " + base64.b64encode(f"operator:{console_server.PASSWORD}".encode()).decode()
DRAWN = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)
IN_DOCUMENT = [
    by_document.status_code_conformance,
    by_document.content_type_conformance,
    by_document.response_schema_conformance,
]
Cases = list[schemathesis.Case]  # type: ignore[type-arg]


def cases_of(schema: dict[str, object], examples: int) -> Cases:
    """So many requests of each route that fit the schema, and as many that do not; both stores get the same."""
    operations = [operation.ok() for operation in schemathesis.openapi.from_dict(schema).get_all_operations()]
    return [
        case for operation in operations for mode in modes_of(operation) for case in some_of(operation, mode, examples)
    ]


def modes_of(operation: APIOperation) -> list[GenerationMode]:  # type: ignore[type-arg]
    """Without the one that does not fit where any text fits: it would take a second to find out."""
    raw = operation.definition.raw
    strict = "requestBody" in raw or not all(_takes_any_text(one) for one in raw.get("parameters", ()))
    return [mode for mode in GenerationMode if strict or mode.is_positive]


def _takes_any_text(parameter: dict[str, Any]) -> bool:
    schema = parameter["schema"]
    return parameter["in"] == "path" and schema.get("type") == "string" and set(schema) <= {"type", "title"}


def some_of(
    operation: APIOperation,  # type: ignore[type-arg]
    mode: GenerationMode,
    examples: int,
) -> Iterator[schemathesis.Case]:  # type: ignore[type-arg]
    drawn: Cases = []

    @settings(DRAWN, max_examples=examples)
    @given(operation.as_strategy(generation_mode=mode))
    def draw(case: schemathesis.Case) -> None:  # type: ignore[type-arg]
        drawn.append(case)

    with suppress(Unsatisfiable):  # nothing of this route could be wrong
        draw()
    return iter(drawn)


@pytest.fixture(scope="module")
def other_cases() -> Cases:
    modules = (receipts, health, metrics, home, campaigns, contacts)
    others = [route for module in modules for route in module.router.routes]
    return cases_of(get_openapi(title="The other routes", version="1", routes=others), examples=3)


@pytest.fixture(scope="module")
def api_cases() -> Cases:
    return cases_of(document(), examples=1)  # of a hundred and more; each is asked twice


@pytest.mark.slow
def test_no_request_is_a_fault_of_ours(console: Console, other_cases: Cases) -> None:
    console_server.add_campaign(console.ledger, now=console.clock())
    for case in other_cases:
        reply = case.call(base_url=console.address, headers={"Authorization": BASIC}, timeout=PATIENCE)
        where = f"{case.method} {reply.request.url}: {reply.status_code}"
        assert reply.status_code < 500 or (reply.status_code == 503 and case.operation.path == "/readyz"), where
        assert "Traceback" not in reply.text, where
        assert reply.headers["x-content-type-options"] == ["nosniff"], where
    assert {case.operation.path for case in other_cases} >= {"/", "/metrics", "/receipts/{account}/{secret}"}


@pytest.mark.slow
def test_no_reply_of_the_api_is_outside_its_document(console: Console, api_cases: Cases) -> None:
    """With a token that may do it the request is answered; with none, or one of any other scope, refused."""
    headers = headers_of_scopes(console)
    console_server.add_campaign(console.ledger, now=console.clock())
    scopes = {(method, route.path): scope_of(route) for route in routes() for method in route.methods or ()}
    asked = set()
    for number, case in enumerate(api_cases):
        needed = scopes[case.method, case.operation.path]
        others = [name for name in headers if name not in (Scope.ADMIN, needed)]
        at_most = (
            502 if case.operation.path.split("/")[3] in ("live-calls", "webhooks") else 499
        )  # their provider is nowhere
        ask(console, case, headers[Scope.ADMIN if number % 2 else str(needed)], at_most=at_most)
        is_first = (case.method, case.operation.path) not in asked
        asked.add((case.method, case.operation.path))
        for name in others if is_first else [others[number % len(others)]]:
            ask(console, case, headers[name], at_most=499, only=(401, 403))
    assert {case.operation.path for case in api_cases} == set(document()["paths"])


def headers_of_scopes(console: Console) -> dict[str, dict[str, str]]:
    """The header of a token of each scope, and of no token."""
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    for scope in Scope:
        scopes = [scope] if scope is not Scope.NUMBERS else [Scope.METRICS, Scope.NUMBERS]
        name = scope.replace(":", "-")
        _, secret = api_tokens.create(console.ledger, name, scopes, who="test", now=console.clock())
        headers[scope] = {"Authorization": f"Bearer {secret}"}
    return headers


def ask(
    console: Console,
    case: schemathesis.Case,  # type: ignore[type-arg]
    headers: dict[str, str],
    *,
    at_most: int,
    only: Sequence[int] = (),
) -> None:
    console.state.guard.forget()
    reply = case.call(base_url=console.address, headers=headers, timeout=PATIENCE)
    where = f"{case.method} {reply.request.url} {case.body!r}: {reply.status_code} {reply.text[:500]}"
    assert reply.status_code <= at_most, where
    assert not only or reply.status_code in only, where
    assert "Traceback" not in reply.text, where
    try:
        case.validate_response(reply, checks=IN_DOCUMENT)
    except FailureGroup as failures:
        raise AssertionError(f"{where}: {failures.exceptions}") from None
