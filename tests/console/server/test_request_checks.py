"""A request that is not meant for us, or asks what does not exist, is refused with the right word on both stores."""

from __future__ import annotations

import base64
import socket
import time

import pytest

from tests.console.conftest import Console
from tests.support import console_server
from tests.support.patience import PATIENCE


@pytest.fixture
def reminder(console: Console) -> str:
    return console_server.add_campaign(console.ledger, now=console.clock())


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "[",
        "evil@127.0.0.1",
        "127.0.0.1/..",
        "127.0.0.1:x",
    ],
)
def test_a_name_that_another_site_made_lead_here_is_refused(console: Console, host: str) -> None:
    for path in ("/", "/api/v1/campaigns", "/metrics", "/nowhere"):
        reply = console.http.get(path, headers={"host": host})
        assert reply.status_code == 421
        assert "console.hosts" in reply.text


@pytest.mark.parametrize(
    "host", ["localhost:8080", "LOCALHOST", "127.0.0.1", "[::1]:8080", "192.0.2.7:9", "localhost."]
)
def test_addresses_and_this_machine_are_answered(console: Console, host: str) -> None:
    assert console.http.get("/api/v1/campaigns", headers={"host": host}).status_code == 200


def test_receipts_and_the_health_check_ask_for_no_host(console: Console) -> None:
    body = console_server.notice("OFFERED", "7407", call="call-1", attempt=None, at="2026-12-01T15:00:01Z")
    assert console.deliver(body, host="any-proxy").status_code == 200
    assert console.http.get("/healthz", headers={"host": "any-proxy"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/campaigns/reminder-1", "/api/v1/campaigns", "/metrics", "/assets/console.css", "/healthz"]
)
def test_head_is_answered_as_get_without_the_body(console: Console, reminder: str, path: str) -> None:
    got, asked = console.http.get(path), console.http.head(path)
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-type"] == got.headers["content-type"]
    assert console.http.head("/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/", "GET, HEAD"),
        ("PUT", "/api/v1/campaigns", "GET, HEAD, POST"),
        ("DELETE", "/api/v1/campaigns/reminder-1", "GET, HEAD"),
        ("POST", "/api/v1/campaigns/reminder-1/attempts", "GET, HEAD"),
        ("GET", "/api/v1/campaigns/reminder-1/pause", "POST"),
        ("PUT", "/campaigns/reminder-1/cancel", "GET, HEAD, POST"),
        ("OPTIONS", "/metrics", "GET, HEAD"),
        ("PATCH", "/assets/console.css", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_served_is_405_and_says_which_are(
    console: Console, reminder: str, method: str, path: str, allowed: str
) -> None:
    reply = console.http.request(method, path)
    assert (reply.status_code, reply.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("method", ["TRACE", "BREW", "PROPFIND", "LOOK-UP"])
def test_a_method_that_does_not_exist_is_405(console: Console, method: str) -> None:
    for path in ("/", "/api/v1/campaigns", "/nowhere", "/healthz", "/receipts/bulk/x"):
        assert console.http.request(method, path).status_code == 405, path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "/api/v1/campaigns/reminder-1/contacts?phone=%2B13035550100",
            "no parameter &#39;phone&#39;|no parameter 'phone'",
        ),
        ("/api/v1/campaigns/reminder-1/contacts?limmit=1", "did you mean limit"),
        ("/api/v1/campaigns?stat=1", "did you mean status"),
        ("/?x=1", "there are after, name, status"),
        ("/metrics?name=dialer_contacts", "there are none"),
        ("/campaigns/reminder-1?x=%00", "no parameter"),
        ("/api/v1/campaigns?limit=abc", "limit"),
        ("/api/v1/campaigns?limit=1&limit=2", "given twice"),
        ("/api/v1/campaigns/reminder-1/contacts?status=pending&status=reached", "given twice"),
        ("/?status=gone", "status"),
        ("/?after=99999999999999999999999999", "after"),
        ("/api/v1/campaigns/reminder-1/contacts?after=99999999999999999999", "after"),
    ],
)
def test_a_parameter_that_is_unknown_or_absurd_is_422(console: Console, reminder: str, path: str, said: str) -> None:
    reply = console.http.get(path)
    assert reply.status_code == 422
    assert any(word in reply.text for word in said.split("|"))


@pytest.mark.parametrize(
    "name", ["%00", "reminder-1%00", "a" * 5000, "%F0%9F%98%80", "%FF", "%ED%A0%80", "%0A", "a%09b"]
)
def test_a_name_that_no_campaign_can_have_is_404(console: Console, reminder: str, name: str) -> None:
    for path in (
        f"/campaigns/{name}",
        f"/campaigns/{name}/cancel",
        f"/api/v1/campaigns/{name}",
        f"/api/v1/campaigns/{name}/contacts",
    ):
        reply = console.http.get(path)
        assert reply.status_code == 404
        assert len(reply.text) < 10_000
    assert console.http.post(f"/api/v1/campaigns/{name}/pause", json={}).status_code == 404


def test_a_body_that_is_not_json_is_415_and_says_what_to_send(console: Console, reminder: str) -> None:
    reply = console.http.post(f"/api/v1/campaigns/{reminder}/pause", content=b"{}")
    assert reply.status_code == 415
    assert "X-Dialer" in reply.json()["remedy"]


def test_guesses_are_slowed_down_counted_and_in_the_audit(console: Console) -> None:
    wrong = "Basic " + base64.b64encode(b"operator:guess").decode()
    with console_server.client(console.address, known=False, headers={"authorization": wrong}) as stranger:
        replies = [stranger.get("/api/v1/campaigns") for _ in range(50)]
    assert [reply.status_code for reply in replies] == [401] * 10 + [429] * 40
    assert replies[-1].headers["retry-after"] == "60"
    (line,) = console_server.audit_rows(console.ledger, "wrong passwords")
    assert (line.who, line.detail) == ("console", "wrong 1")
    console.clock.forward(61)
    text = console.http.get("/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("dialer_passwords_refused_total")]
    assert len(counted) == 2
    console.http.get("/", auth=("operator", "once more"))
    assert "not compared 40" in console_server.audit_rows(console.ledger, "wrong passwords")[-1].detail


def test_what_is_no_http_gets_a_400_and_no_traceback(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    host, port = console.address.removeprefix("http://").split(":")
    for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000 + b"\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            connection.sendall(nonsense)
            time.sleep(0.05)
            assert connection.recv(100).startswith((b"HTTP/1.1 400", b""))
    assert caplog.records == []
