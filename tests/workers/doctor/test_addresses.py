"""Every address of an installation: what answers, what does not, and at which step."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from campaigns.reporting.surroundings import Trouble, TroubleKind
from dialer.sandbox.config import SandboxConfig
from dialer.sandbox.running import running
from dialer.verdicts import Ruling, Verdict
from tests.support.beside import beside
from tests.support.certificates import certificates
from tests.support.dialers import callgear, webex
from tests.support.http_server import refused_url
from workers.doctor import addresses, web_probe
from workers.doctor.findings import ClockReading, Finding
from workers.doctor.running import REMEDIES, heartbeat, judged_heartbeat
from workers.doctor.web_probe import Answer, Unanswered, ask
from workers.settings import Settings
from workers.settings_sections import ConsoleSettings, FlowerSettings, RedisSettings

ANSWER = Answer(status=200, body=b"OK", headers={}, tls="TLSv1.3", expires=None, asked_at=0, seconds=0)


@contextmanager
def serving(
    reply: Callable[[BaseHTTPRequestHandler], None], certificate: ssl.SSLContext | None = None
) -> Iterator[int]:
    """The port of a web server that replies so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # of a client that went away
    if certificate:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    with beside(server) as port:
        yield port


def body(text: str, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(text.encode())

    return reply


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# One request, step by step


def test_an_answer_has_its_status_its_body_and_the_servers_clock():
    with serving(body("hello", 418)) as port:
        answer = ask(f"http://127.0.0.1:{port}/teapot?full=1", "GET")
    clock = answer.clock("teapot")
    assert (answer.status, answer.body, answer.tls) == (418, b"hello", None)
    assert clock is not None
    assert abs(clock.ahead) <= clock.uncertain + 1


def test_without_a_date_a_server_shows_no_clock():
    assert replace(ANSWER, headers={}).clock("x") is None
    assert replace(ANSWER, headers={"date": "yesterday"}).clock("x") is None


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's certificate, and a client that trusts its authority."""
    files = certificates(tmp_path_factory.mktemp("tls") / "files")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files["server"], files["server key"])
    return server, ssl.create_default_context(cafile=str(files["authority"]))


def test_tls_is_verified_and_tells_its_version_and_its_end(tls):
    server, trusting = tls
    with serving(body("hello"), server) as port:
        answer = ask(f"https://127.0.0.1:{port}", trusts=trusting)
        with pytest.raises(Unanswered, match=r"^TLS: the certificate of 127\.0\.0\.1 is not valid: unable to get"):
            ask(f"https://127.0.0.1:{port}")
    assert answer.tls == "TLSv1.3"
    assert timedelta(0) < answer.expires - datetime.now(UTC) < timedelta(days=1)


def test_each_step_that_fails_is_named(monkeypatch):
    monkeypatch.setattr(web_probe, "SECONDS", 0.3)
    with pytest.raises(Unanswered, match=r"^DNS: the name nowhere\.invalid was not found"):
        ask("https://nowhere.invalid/v1")
    with pytest.raises(Unanswered, match=r"^TCP: 127\.0\.0\.1 port \d+: refused"):
        ask(refused_url())
    with silent() as port:
        with pytest.raises(Unanswered, match=r"^HTTP: no answer within 0\.3 s"):
            ask(f"http://127.0.0.1:{port}")
        with pytest.raises(Unanswered, match=r"^TLS: 127\.0\.0\.1 began none within 0\.3 s"):
            ask(f"https://127.0.0.1:{port}")
    with serving(lambda handler: handler.wfile.write(b"220 mail.example ESMTP\r\n")) as port:
        with pytest.raises(Unanswered, match=r"^HTTP: no answer that can be read"):
            ask(f"http://127.0.0.1:{port}")
        with pytest.raises(Unanswered, match=r"^TLS: 127\.0\.0\.1: .*perhaps no TLS is spoken there"):
            ask(f"https://127.0.0.1:{port}")


# Accounts


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running(SandboxConfig()) as running_sandbox:
        yield running_sandbox.base_url("callgear")


def of_account(settings) -> Finding:
    (finding,) = [
        part for part in addresses.accounts(Settings(accounts={"main": settings})) if isinstance(part, Finding)
    ]
    return finding


def test_an_account_that_can_log_in_is_well_and_shows_the_providers_clock(sandbox):
    parts = list(addresses.accounts(Settings(accounts={"main": callgear(sandbox)})))
    assert [type(part) for part in parts] == [ClockReading, Finding]
    assert (parts[1].level, "logged in" in parts[1].says) == ("ok", True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"access_token": "another-key"}, "refuses the account"),
        ({"access_token": None}, "no access_token, or login and password"),
        ({"base_url": "http://127.0.0.1:1"}, "TCP: 127.0.0.1 port 1: refused"),
        ({"base_url": "http://nowhere.invalid"}, "DNS: the name nowhere.invalid was not found"),
    ],
)
def test_an_account_that_cannot_be_used_is_told_with_its_reason(sandbox, changes, says):
    finding = of_account(callgear(sandbox, **changes))
    assert (finding.level, says in finding.says, bool(finding.remedy)) == ("fail", True, True)
    assert "another-key" not in finding.says


def test_a_server_that_is_no_provider_is_told():
    with serving(body("<html>hello</html>")) as port:
        finding = of_account(webex(f"http://127.0.0.1:{port}"))
    assert finding.level in ("warn", "fail")
    assert finding.remedy


@pytest.mark.parametrize(
    ("verdict", "days", "level"),
    [
        (Verdict.PLACED, 90, "ok"),
        (Verdict.PLACED, 9, "warn"),
        (Verdict.THROTTLED, 90, "warn"),
        (Verdict.NOT_PLACED, 90, "warn"),
        (Verdict.HALT_ACCOUNT, 90, "fail"),
    ],
)
def test_an_account_is_judged_by_the_answer_and_the_certificate(verdict, days, level):
    answer = replace(ANSWER, expires=datetime.now(UTC) + timedelta(days=days))
    finding = addresses.judged_account(
        "account a", "https://api.example/v1", answer, Ruling(verdict=verdict, detail="x")
    )
    assert (finding.level, bool(finding.remedy)) == (level, level != "ok")


def test_an_installation_without_accounts_is_told():
    (finding,) = addresses.accounts(Settings())
    assert (finding.level, "[accounts.NAME]" in finding.remedy) == ("warn", True)


# Console, Flower, receipts


@pytest.fixture
def at_port(tmp_path: Path):
    def settings(port: int, public_url: str | None = None) -> Settings:
        return Settings(
            data_dir=tmp_path,
            console=ConsoleSettings(port=port, public_url=public_url),
            flower=FlowerSettings(port=port),
        )

    return settings


@pytest.mark.parametrize(
    ("reply", "level", "says"),
    [
        (body(json.dumps({"ready": True, "missing": []})), "ok", "answers"),
        (body(json.dumps({"ready": False, "missing": ["ledger"]}), 503), "fail", "is not ready: ledger"),
        (body("<html>a shop</html>"), "fail", "another program answers"),
        (lambda handler: handler.wfile.write(b"+PONG\r\n"), "fail", "another program answers"),
    ],
    ids=["ready", "not ready", "another page", "no HTTP"],
)
def test_what_listens_at_the_consoles_port_is_looked_at(at_port, reply, level, says):
    with serving(reply) as port:
        (finding,) = addresses.console(at_port(port))
    assert (finding.level, says in finding.says, bool(finding.remedy)) == (level, True, level != "ok")


def test_what_listens_at_flowers_port_is_looked_at(at_port):
    with serving(body("OK")) as port:
        assert [finding.level for finding in addresses.flower(at_port(port))] == ["ok"]
    with serving(body("no")) as port:
        assert [finding.level for finding in addresses.flower(at_port(port))] == ["fail"]


def test_where_nothing_listens_is_told(at_port):
    port = int(refused_url().rpartition(":")[2])
    for check in (addresses.console, addresses.flower):
        (finding,) = check(at_port(port))
        assert (finding.level, finding.says) == ("warn", f"nothing listens at 127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")],  # noqa: S104
)
def test_a_listener_at_every_address_is_reached_at_this_machines(host, reached):
    assert addresses._reachable(host) == reached


def test_the_address_of_receipts_leads_to_the_console_or_is_told(at_port):
    with serving(body('{"ok": true}')) as port:
        assert [one.level for one in addresses.receipts(at_port(1, f"http://127.0.0.1:{port}/"))] == ["ok"]
    with serving(body("<html>the proxy's</html>", 404)) as port:
        (finding,) = addresses.receipts(at_port(1, f"http://127.0.0.1:{port}"))
        assert (finding.level, "HTTP 404, and is not the console" in finding.says) == ("fail", True)
    for url, level in ((refused_url(), "warn"), ("https://nowhere.invalid", "fail"), (None, "warn")):
        (finding,) = addresses.receipts(at_port(1, url))
        assert (finding.level, bool(finding.remedy)) == (level, True)


def test_a_certificate_of_ours_that_ends_soon_is_told():
    answer = replace(ANSWER, body=b'{"ok": true}', expires=datetime.now(UTC) + timedelta(days=3))
    assert addresses.judged_receipts("https://x.example", answer).level == "warn"


# Beat and workers


@pytest.mark.parametrize("kind", TroubleKind)
def test_every_trouble_has_what_to_do(kind):
    finding = judged_heartbeat(Trouble(kind, "why"), None)
    assert (finding.says, finding.remedy) == ("why", REMEDIES[kind])
    assert finding.level == ("warn" if kind is TroubleKind.NO_STACK else "fail")


def test_ticks_that_come_are_well():
    assert judged_heartbeat(None, 0.4).says == "the last tick came 0.4 s ago; calls are taken"


def test_a_redis_without_a_tick_is_told(redis_url, tmp_path):
    (finding,) = heartbeat(Settings(data_dir=tmp_path, redis=RedisSettings(url=SecretStr(redis_url))))
    assert (finding.level, finding.remedy) == ("fail", REMEDIES[TroubleKind.NO_BEAT])
