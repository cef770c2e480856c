"""Requests of programs that say what cannot be meant are refused with a problem that names the place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.api.document import routes
from console.api.uploads import MAX_JSON
from console.server.api_route import MAX_BODY
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.motion import row, start_listed, start_standing

JSON = {"content-type": "application/json"}
CALL: dict[str, Any] = {"campaign": "reminders", "to": "+14155550107", "fields": {"name": "Ann"}}


@pytest.fixture
def standing(console: Console, tmp_path: Path) -> str:
    return start_standing(console.ledger, tmp_path, now=console.clock()).id


def refused(reply: httpx.Response, status: int) -> str:
    """What a refusal says; it is a problem, whatever refuses."""
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json"), reply.text
    assert reply.json()["remedy"]
    detail: str = reply.json()["detail"]
    return detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"campaign": "a",\n "to": "\\ud800"}', "2:9: the body cannot be read as JSON: half of a character"),
        (b'{"campaign": "a", "to": "\\ud83d\\ude00 \\udc00"}', "half of a character"),
        (b'{"fields": {"\\uD83D": "x"}}', "half of a character"),
        (b'{"fields": {"name": NaN}}', "1:21: the body cannot be read as JSON: NaN is no number"),
        (b'{"fields": {"name": -Infinity}}', "-Infinity is no number"),
        (
            b'{"fields": {"name": ' + b"9" * 5000 + b"}}",
            "1:21: the body cannot be read as JSON: a number with too many",
        ),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' * 5000, "nested too deeply"),
        (b'{"campaign": "a",\n "to": "\xff"}', "a byte that is not UTF-8"),
    ],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.parametrize("path", ["/calls", "/campaigns", "/campaigns/reminders/contacts"])
def test_what_is_no_json_is_refused_where_it_is(
    console: Console, standing: str, path: str, body: bytes, said: str
) -> None:
    assert said in refused(console.http.post(f"/api/v1{path}", content=body, headers=JSON), 422)


def test_a_character_of_two_halves_is_one(console: Console, standing: str) -> None:
    body = json.dumps(CALL | {"key": "😀"}).encode()
    assert b"\\ud83d\\ude00" in body
    assert console.http.post("/api/v1/calls", content=body, headers=JSON).status_code == 201


@pytest.mark.parametrize(("path", "most"), [("/calls", MAX_BODY), ("/campaigns", MAX_JSON)])
def test_a_body_that_is_too_large_is_a_problem_whether_it_says_so_or_not(
    console: Console, path: str, most: int
) -> None:
    def unsaid() -> Iterator[bytes]:
        yield b" " * most
        yield b"  "

    for content in (b" " * (most + 1), unsaid()):
        reply = console.http.post(f"/api/v1{path}", content=content, headers=JSON)
        assert refused(reply, 413) == f"the body has more than {most:,} bytes"
    assert refused(console.http.post(f"/api/v1{path}", content=b" " * most, headers=JSON), 422)


def test_a_packed_body_is_refused(console: Console, standing: str) -> None:
    packed = gzip.compress(json.dumps(CALL).encode())
    reply = console.http.post("/api/v1/calls", content=packed, headers=JSON | {"content-encoding": "gzip"})
    assert "Content-Encoding" in refused(reply, 415)


def test_what_a_route_does_not_look_at_is_refused_and_not_passed_over(console: Console, standing: str) -> None:
    at = f"/api/v1/campaigns/{standing}"
    for path, headers, named in (
        (f"{at}/contacts", {"Idempotency-Key": "1"}, "idempotency-key"),
        ("/api/v1/campaigns", {"Idempotency-Key": "1"}, "idempotency-key"),
        (f"{at}/contacts/withdraw", {"If-Match": '"1"'}, "if-match"),
        ("/api/v1/calls", {"If-Match": '"1"'}, "if-match"),
    ):
        assert named in refused(console.http.post(path, json={}, headers=headers), 422)
    for path in (f"{at}/close", "/api/v1/webhooks/crm/pause", "/api/v1/schedules/daily/run"):
        assert "leave it empty" in refused(console.http.post(path, json={"reason": "x"}), 422)
    assert console.http.post(f"{at}/clone", json={}).status_code == 200


def test_every_route_that_changes_something_says_whether_it_keeps_a_promise(console: Console) -> None:
    for route in routes():
        for method in route.methods - {"GET"}:
            path = route.path.replace("{session}", "1").replace("{call_id}", "1").replace("{contact_id}", "1")
            reply = console.http.request(method, path, headers={"X-Dialer": "1", "Idempotency-Key": "k"})
            kept = route.path == "/api/v1/calls"
            assert ("idempotency-key" in reply.text) is not kept, (method, route.path)


@pytest.mark.parametrize("moment", [1893456000, "1893456000", -1, 1.5, True, "2027-01-01", "tomorrow", "", []])
def test_a_moment_is_a_date_and_a_time(console: Console, standing: str, moment: object) -> None:
    assert "not_after: this is no date and time" in refused(
        console.http.post("/api/v1/calls", json=CALL | {"not_after": moment}), 422
    )


@pytest.mark.parametrize("given", [{"id": True}, {"id": "1"}, {"id": 1.0}])
def test_an_id_is_a_number(console: Console, tmp_path: Path, given: dict[str, object]) -> None:
    campaign = start_listed(console.ledger, tmp_path, [row(1)], now=console.clock()).id
    reply = console.http.post(f"/api/v1/campaigns/{campaign}/contacts/withdraw", json={"contacts": [given]})
    assert "id: " in refused(reply, 422)


def test_an_event_is_named_by_what_an_id_may_have(console: Console) -> None:
    new = {"name": "crm", "url": "https://example.org/hook"}
    assert console.http.post("/api/v1/webhooks", json=new).status_code == 201
    for events in (["\0"], ["x" * 101]):
        assert refused(console.http.post("/api/v1/webhooks/crm/replay", json={"events": events}), 422)


def test_a_wrong_token_is_told_how_to_come_by_a_right_one(console: Console) -> None:
    with console_server.client(console.address, known=False, headers={"Authorization": "Bearer dlr_no"}) as http:
        reply = http.get("/api/v1/campaigns")
    assert "token" in refused(reply, 401)
    assert "dialer tokens create" in reply.json()["remedy"]


@pytest.mark.parametrize(("country", "hint"), [("XX", "write US"), ("uk", "did you mean GB?"), ("ZZ", "write US")])
def test_a_country_that_is_none_is_named(console: Console, standing: str, country: str, hint: str) -> None:
    given = {"number": "4155550101", "country": country}
    said = refused(console.http.post(f"/api/v1/campaigns/{standing}/contacts/search", json=given), 422)
    assert said.startswith(f'country: no country has the code "{country}"')
    assert hint in said


@pytest.mark.parametrize("path", ["campaigns", "campaigns/reminders-1", "campaigns/reminders-1/pause", "suppressions"])
def test_the_addresses_of_before_are_gone(console: Console, standing: str, path: str) -> None:
    for method in ("GET", "POST"):
        assert refused(console.http.request(method, f"/api/{path}", json={}), 404) == "there is nothing here"


def test_a_provider_that_is_not_reached_is_said_with_what_to_do(console: Console) -> None:
    for act, status in (("block", 502), ("release", 409)):
        said = refused(console.http.post(f"/api/v1/live-calls/1/{act}", json={"account": "main"}), status)
        assert "no connection to 127.0.0.1:9" in said
