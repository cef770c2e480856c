"""Moments that programs write: one at an end of the calendar is refused by its name wherever the API takes one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from console.api.document import document
from tests.console.conftest import Console

AT_THE_ENDS = ["0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z"]
FEWEST = 13  # that the API has


def moments() -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Method and path of each request that takes a moment, whether in its address or body, and the moment's place."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", ()):
                for place in places(parameter["schema"]):
                    yield method, path, "address", (parameter["name"], *place)
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            for place in places(body["schema"]) if body else ():
                yield method, path, "body", place


def places(schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Where in a value of this schema moments stand, by the keys that lead there; `0` for the first of a list."""
    if reference := schema.get("$ref"):
        yield from places(document()["components"]["schemas"][reference.rpartition("/")[2]])
    for kind in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from places(kind)
    if schema.get("format") == "date-time":
        yield ()
    for name, of_key in schema.get("properties", {}).items():
        yield from ((name, *place) for place in places(of_key))
    if "items" in schema:
        yield from (("0", *place) for place in places(schema["items"]))


def holding(place: tuple[str, ...], moment: str) -> Any:
    """A body with this moment at this place, and nothing else."""
    if not place:
        return moment
    inside = holding(place[1:], moment)
    return [inside] if place[0] == "0" else {place[0]: inside}


ALL = sorted(set(moments()))


def test_the_moments_of_the_api_are_known() -> None:
    assert len(ALL) >= FEWEST


@pytest.mark.parametrize("moment", AT_THE_ENDS)
@pytest.mark.parametrize(("method", "path", "part", "place"), ALL, ids=lambda value: "".join(value))
def test_a_moment_at_an_end_of_the_calendar_is_refused_by_its_name(
    console: Console, method: str, path: str, part: str, place: tuple[str, ...], moment: str
) -> None:
    address = re.sub(r"{\w+_id}|{session}", "1", path).replace("{sheet}", "contacts").replace("{name}", "shop")
    sent: dict[str, Any] = {"params": {place[0]: moment}} if part == "address" else {"json": holding(place, moment)}
    reply = console.http.request(method, address, headers={"x-requested-with": "test"}, **sent)
    assert reply.status_code == 422
    assert f"{place[-1]}: the year {moment[:4]} cannot be meant" in reply.json()["detail"]
