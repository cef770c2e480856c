"""The page of the API has every scope and every request, as the code has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.operations.api_tokens import MEANINGS
from console.api.document import document, routes
from console.server.api_route import PREFIX, scope_of
from console.server.report_sheets import XLSX
from tests.docs.test_docs import page

FILES = ("text/csv", "text/event-stream", XLSX)


def test_every_scope_is_on_the_page_with_its_meaning() -> None:
    assert re.findall(r"^\| `([a-z:]+)` \| (.*) \|$", page("api"), re.MULTILINE) == [*MEANINGS.items()]


def test_every_request_is_on_the_page_with_its_scope() -> None:
    described = re.findall(r"^\| `([A-Z]+) (\S+)` \| `(\S+)` \|", page("api"), re.MULTILINE)
    served = {
        (method, route.path.removeprefix(PREFIX), str(scope_of(route)))
        for route in routes()
        for method in route.methods or ()
    }
    assert len(described) == len(set(described))
    assert set(described) == served


@pytest.mark.slow
def test_every_reply_is_described_by_a_model() -> None:
    """No bare objects: each schema of the document says what is in it."""
    whole = document()
    assert whole["openapi"].startswith("3.1")
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            good = [reply for status, reply in operation["responses"].items() if status.startswith("2")]
            assert any(good), f"{method} {path}"
            for media_type, body in ((kind, body) for reply in good for kind, body in reply.get("content", {}).items()):
                assert media_type in FILES or "$ref" in body["schema"], f"{method} {path}"
    for name, schema in whole["components"]["schemas"].items():
        assert "properties" in schema or "enum" in schema, name
    assert list(undescribed(whole["components"]["schemas"])) == [
        ("NewCampaign", "properties", "definition", "anyOf", "1"),  # a campaign file, which has a schema of its own
    ]


def undescribed(schema: Any, *place: str) -> Iterator[tuple[str, ...]]:
    """Where in a schema an object may have any keys."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties", "properties" not in schema) is True:
            yield place
        for name, inner in schema.items():
            yield from undescribed(inner, *place, name)
    if isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from undescribed(inner, *place, str(number))
