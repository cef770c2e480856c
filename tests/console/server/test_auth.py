"""Who may come in: everything but the receipts' door and the health check asks for the password."""

from __future__ import annotations

import base64

import httpx
import pytest

from campaigns.lifecycle import CampaignStatus
from tests.console.conftest import Console
from tests.support import console_server

CLOSED = [
    "/",
    "/?status=paused",
    "/campaigns/reminder-1",
    "/campaigns/reminder-1/cancel",
    "/api/v1/campaigns",
    "/api/v1/campaigns/reminder-1",
    "/api/v1/campaigns/reminder-1/contacts",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/no-such-page",
    "//healthz",
    "/healthz/",
    "/receipts/bulk",
    "/receipts/../api/v1/campaigns",
    "/receipts/bulk/x/../../../api/v1/campaigns",
]


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock())


@pytest.mark.parametrize("path", CLOSED)
def test_without_the_password_nothing_is_shown(console: Console, reminder: str, path: str) -> None:
    with console_server.client(console.address, known=False) as stranger:
        reply = stranger.get(path)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Basic realm="dialer", charset="UTF-8"')
    assert reminder not in reply.text


@pytest.mark.parametrize("path", ["/campaigns/reminder-1/pause", "/api/v1/campaigns/reminder-1/pause", "/no-such-page"])
def test_without_the_password_nothing_is_done(console: Console, reminder: str, path: str) -> None:
    with console_server.client(console.address, known=False) as stranger:
        assert stranger.post(path, json={}).status_code == 401
    assert console.http.get(f"/api/v1/campaigns/{reminder}").json()["status"] == CampaignStatus.RUNNING


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


WRONG = [
    (basic("operator", ""), "no password"),
    (basic("operator", console_server.PASSWORD[:-1]), "a part of it"),
    (basic("operator", console_server.PASSWORD + "x"), "more than it"),
    (basic("root", console_server.PASSWORD), "another user"),
    (basic("", console_server.PASSWORD), "no user"),
    (basic("operator", console_server.PASSWORD).replace("Basic", "Bearer"), "another scheme"),
    ("Basic", "a scheme alone"),
    ("Basic ====", "no base64"),
    ("Basic /w==", "no UTF-8"),
    ("", "an empty header"),
]


@pytest.mark.parametrize("header", [header for header, _ in WRONG], ids=[remark for _, remark in WRONG])
def test_only_the_right_user_and_password_open(console: Console, header: str) -> None:
    with console_server.client(console.address, known=False, headers={"authorization": header}) as stranger:
        assert stranger.get("/api/v1/campaigns").status_code == 401
    assert console.http.get("/api/v1/campaigns").status_code == 200


CROSS_SITE = [
    ({"sec-fetch-site": "cross-site"}, "the browser says another site"),
    ({"sec-fetch-site": "same-site"}, "a neighbour under the same domain"),
    ({"origin": "https://evil.example"}, "another origin"),
    ({"origin": "null"}, "an origin that hides"),
    ({"origin": "http://[half"}, "an origin that is no address"),
    ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, "words that contradict each other"),
]


@pytest.mark.parametrize("headers", [headers for headers, _ in CROSS_SITE], ids=[remark for _, remark in CROSS_SITE])
def test_another_site_cannot_make_a_browser_act(console: Console, reminder: str, headers: dict[str, str]) -> None:
    for path, body in ((f"/api/v1/campaigns/{reminder}/cancel", {"json": {}}), (f"/campaigns/{reminder}/cancel", {})):
        assert console.http.post(path, headers=headers, **body).status_code == 403  # type: ignore[arg-type]
    assert console.http.get(f"/api/v1/campaigns/{reminder}").json()["status"] == CampaignStatus.RUNNING


def test_an_api_call_that_a_mere_form_could_make_is_refused(console: Console, reminder: str) -> None:
    path = f"/api/v1/campaigns/{reminder}/pause"
    assert console.http.post(path, data={"a": "b"}).status_code == 415
    assert console.http.post(path, content="{}", headers={"content-type": "text/plain"}).status_code == 415
    assert console.http.post(path, headers={"x-dialer": "1"}).status_code == 200


def test_a_form_that_this_console_did_not_make_is_refused(console: Console, reminder: str) -> None:
    token, path = _token(console.http.get(f"/campaigns/{reminder}").text), f"/campaigns/{reminder}/pause"
    for forged in ({}, {"token": ""}, {"token": token[:-1]}, {"token": "é"}):
        assert console.http.post(path, data=forged).status_code == 403
    assert console.http.post(path, files={"token": b"a file"}).status_code == 403
    assert console.http.post(path, content=b"\xff" * 9999).status_code == 403
    large = console.http.post(path, data={"token": token, "much": "x" * 99_999}, headers={"accept": "text/html"})
    assert (large.status_code, "the body has more than 65,536 bytes" in large.text) == (413, True)
    assert console.http.get(f"/api/v1/campaigns/{reminder}").json()["status"] == CampaignStatus.RUNNING
    assert console.http.post(path, data={"token": token}).status_code == 303


def _token(html: str) -> str:
    return html.partition('/pause">')[2].partition('value="')[2].partition('"')[0]


@pytest.mark.parametrize("path", ["/", "/api/v1/campaigns", "/metrics", "/healthz", "/assets/console.js", "/nowhere"])
def test_nothing_may_be_kept_framed_or_loaded_from_elsewhere(console: Console, path: str) -> None:
    _check_headers(console.http.get(path))


def test_a_failure_of_ours_carries_the_same_headers_and_no_details(console: Console) -> None:
    console_server.add_campaign(console.ledger, now=console.clock(), status=CampaignStatus.SCHEDULED, definition="{}")
    reply = console.http.get("/campaigns/reminder-1")
    assert reply.status_code == 500
    assert "the console has failed" in reply.text
    assert "definition" not in reply.text.lower()
    assert reply.headers["connection"] == "close", "the server closes it: no request may follow"
    _check_headers(reply)


def _check_headers(reply: httpx.Response) -> None:
    assert reply.headers.get_list("cache-control") == ["no-store"]
    assert reply.headers.get_list("x-content-type-options") == ["nosniff"]
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
