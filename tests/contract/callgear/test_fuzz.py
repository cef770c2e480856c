"""Thousands of requests that nobody thought of: never a 500, never a reply outside the published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator, meta

from dialer.sandbox.callgear.methods import METHODS
from dialer.sandbox.callgear.params import Param
from dialer.sandbox.callgear.schema import error_reply, openapi, reply_of, request_of
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import SandboxHandle, running
from tests.contract.callgear.test_document import EXAMPLES
from tests.support import loopback
from tests.support.draws import times

EXAMPLES_OF_REQUESTS, REQUESTS_IN_EACH = times(40), 25
REPLIES = {name: Draft202012Validator(reply_of(name)) for name in METHODS}
NO_METHOD = Draft202012Validator(error_reply())
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TWENTIETHS = st.integers(0, 19)
IDS = st.integers() | st.text(max_size=9)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "access_token": st.sampled_from(
        ["sandbox-key", "sandbox-key", "sandbox-key-b", "expired-key", "forbidden-key", "x"]
    ),
    "virtual_phone_number": st.sampled_from(["74993720692", "18005550109", "74990000000"]),
    "contact": st.sampled_from(["79260000000", "14155550101", "14155550116", "14155550117", "74951045771"]),
    "operator": st.just("79262444491"),
    "to": st.sampled_from(["79260000000", "101", "999"]),
    "dtmf_string": st.sampled_from(["1", "*", ".1.2"]),
    "value": st.sampled_from(["Hello", "2561", "99999", "x" * 1001]),
    "id": st.sampled_from([25, 26, 27, 25.5]),
    "scenario_id": st.sampled_from([23456, 1]),
    "tag_id": st.sampled_from([36, 254, 1, 0.5]),
    "leg_id": st.integers(1, 10**12),
    "media_file_id": st.sampled_from([2701, 99999, 1.5]),
    "dialing_timeout": st.floats(allow_nan=False) | st.sampled_from([25, 120, 0]),
    "button": st.sampled_from([*"0123456789"]),
    "login": st.sampled_from(["sandbox", "your_login"]),
    "password": st.sampled_from(["sandbox", "your_password"]),
}


def likely(param: Param, sessions: list[int]) -> st.SearchStrategy[Any]:
    if param.name == "call_session_id":
        return st.sampled_from([*sessions, *sessions, 1, 1e300])
    if param.members:
        return params_of(param.members, sessions)
    if "enum" in param.schema:
        return st.sampled_from(param.schema["enum"])
    return LIKELY.get(param.name, st.booleans() if param.type == "boolean" else st.text(max_size=20))


def params_of(known: tuple[Param, ...], sessions: list[int]) -> st.SearchStrategy[dict[str, Any]]:
    """Made once for each method: to make a strategy takes longer than to draw from it."""
    prepared = [(param.name, 19 if param.required else 8, likely(param, sessions)) for param in known]

    @st.composite
    def params(draw: st.DrawFn) -> dict[str, Any]:
        given = {}
        for name, share, value in prepared:
            if draw(TWENTIETHS) < share:
                given[name] = draw(value if draw(st.integers(0, 15)) else JUNK)
        if not draw(st.integers(0, 20)):
            given[draw(st.text(max_size=10))] = draw(JUNK)
        return given

    return params()


def requests(sessions: list[int]) -> st.SearchStrategy[Any]:
    params = {name: params_of(method.known, sessions) for name, method in METHODS.items()}
    no_params, names = params_of((), sessions), st.sampled_from(sorted(METHODS))
    members = st.sampled_from(["jsonrpc", "id", "method", "params"])

    @st.composite
    def request(draw: st.DrawFn) -> Any:
        if not draw(st.integers(0, 15)):
            return draw(JUNK)
        name = draw(names if draw(st.integers(0, 20)) else st.text(max_size=12))
        document = {"jsonrpc": "2.0", "id": draw(IDS), "method": name}
        document["params"] = draw(params.get(name, no_params))
        if not draw(st.integers(0, 15)):
            document[draw(members)] = draw(JUNK)
        return document

    return request()


class Target:
    """A sandbox in full swing: calls of every kind come and go while it is asked."""

    def __init__(self, sandbox: SandboxHandle) -> None:
        self.http = loopback.client(base_url=sandbox.url)
        self._connection = HTTPConnection(
            sandbox.url.removeprefix("http://"), timeout=30
        )  # with httpx asking took most
        self.sessions = [self._started(name) for name in sorted(METHODS) if name.startswith("start.") for _ in range(3)]

    def _started(self, name: str) -> int:
        request = EXAMPLES[name]["request"]
        request = {**request, "params": {**request["params"], "access_token": "sandbox-key"}}
        return self.http.post("/v4.0", json=request).json()["result"]["data"]["call_session_id"]

    def ask(self, document: Any) -> tuple[int, Any]:
        self._connection.request("POST", "/v4.0", json.dumps(document).encode())
        with self._connection.getresponse() as reply:
            return reply.status, json.loads(reply.read())

    def close(self) -> None:
        self._connection.close()
        self.http.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    config = SandboxConfig(seed=5, speed=3, points_per_minute=10**6, points_per_day=10**6)
    with running(config) as sandbox:
        target = Target(sandbox)
        yield target
        target.close()


@pytest.mark.drawn
def test_thousands_of_requests_get_replies_of_the_published_schema(target):
    asked = {"requests": 0}

    @settings(
        max_examples=EXAMPLES_OF_REQUESTS,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(st.lists(requests(target.sessions), min_size=REQUESTS_IN_EACH, max_size=REQUESTS_IN_EACH))
    def send(documents: list[Any]) -> None:
        for document in documents:
            status, reply = target.ask(document)
            asked["requests"] += 1
            assert status == 200, reply
            name = document.get("method") if isinstance(document, dict) else None
            validator = REPLIES.get(name, NO_METHOD) if isinstance(name, str) else NO_METHOD
            assert not (errors := [error.message for error in validator.iter_errors(reply)]), (errors, document, reply)

    send()
    assert asked["requests"] >= EXAMPLES_OF_REQUESTS * REQUESTS_IN_EACH


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-16")),
    st.sampled_from(["application/json; charset=UTF-8", "text/plain", "application/json; charset=nothing", ""]),
)
def test_bytes_that_are_no_request_get_an_error_of_the_document(target, body, content_type):
    reply = target.http.post("/v4.0", content=body, headers={"content-type": content_type})
    assert reply.status_code == 200
    assert NO_METHOD.is_valid(reply.json())


def test_the_schema_is_published_and_is_one(target):
    published = target.http.get("/_openapi.json").json()
    assert published == openapi()
    assert published["openapi"] == "3.1.0"
    for schema in published["components"]["schemas"].values():
        meta.validate(schema)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_documents_examples_are_requests_and_replies_of_the_schema(target, name):
    assert Draft202012Validator(request_of(name)).is_valid(EXAMPLES[name]["request"])
    status, reply = target.ask(EXAMPLES[name]["request"])
    assert status == 200
    assert REPLIES[name].is_valid(reply)
