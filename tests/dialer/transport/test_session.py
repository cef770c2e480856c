"""The session over real sockets: what was surely not sent, what may have been, and who logs in."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dialer.calls import CallRequest, Outcome
from dialer.deadline import Deadline, utc_now
from dialer.http import HttpReply
from dialer.phone import PhoneNumber
from dialer.providers.registry import account_settings, provider_for
from dialer.scripts import Speech
from dialer.transport.session import Session
from dialer.verdicts import Ruling, Verdict
from tests.support.http_server import Heard, Wire, refused_url, reply, reset, serving
from tests.support.timed_vendor import timed_vendor

pytestmark = pytest.mark.anyio

KEY = "b61d8a3c-service-key-0f2e"
TEXT = "Your appointment is tomorrow at nine"
CALL = CallRequest(
    correlation_id=UUID(int=7),
    to=PhoneNumber("+14155550100"),
    caller_id=PhoneNumber("+14155550199"),
    script=Speech(text=TEXT),
)
PLACED = {"messageId": "m-1", "status": "queued"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def webex(url: str, timeout: float = 5.0, connections: int = 10) -> Session:
    account = account_settings(**{"provider": "webex", "base_url": url, "service_key": KEY})
    return Session(provider_for(account), timeout=timeout, connections=connections)


def callgear(url: str, **credentials: str) -> Session:
    account = account_settings(**{"provider": "callgear", "base_url": url, **credentials})
    return Session(provider_for(account), timeout=5.0)


def soon(seconds: float = 60.0) -> Deadline:
    return Deadline(utc_now() + timedelta(seconds=seconds))


async def accept(request: Heard, writer: asyncio.StreamWriter) -> None:
    await reply(writer, PLACED, status=201)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that is bound to happen."""
    while not condition():
        await asyncio.sleep(0.001)


async def test_a_placed_call_comes_back_with_the_providers_name_for_it():
    async with serving(accept) as wire, webex(wire.url) as session:
        ruling = await session.place(CALL, soon())
    assert ruling == Ruling(verdict=Verdict.PLACED, provider_call_id="m-1")
    assert wire.heard[0].headers["content-length"] == str(len(wire.heard[0].body))
    assert "transfer-encoding" not in wire.heard[0].headers


# Trouble before anything was sent


async def test_a_refused_port_places_no_call():
    async with webex(refused_url()) as session:
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_PLACED, "unreachable")
    assert "127.0.0.1" in ruling.detail
    assert ruling.detail.endswith(": refused")


async def test_a_name_that_nobody_has_places_no_call():
    async with webex("http://nowhere.invalid") as session:
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_PLACED, "unreachable")
    assert ruling.detail.startswith("no connection to nowhere.invalid:80: its name was not found (DNS: ")


async def test_a_server_that_speaks_no_tls_places_no_call():
    async def hang_up(request: Heard, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nothing readable ever comes")

    async with serving(hang_up) as wire, webex(wire.url.replace("http", "https"), timeout=1.0) as session:
        ruling = await session.place(CALL, soon(2))
    assert ruling.verdict is Verdict.NOT_PLACED
    assert wire.heard == []


async def test_a_port_without_tls_a_wrong_certificate_and_a_port_with_tls_are_told_apart(certificate):
    async def hang_up(request: Heard, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(not_tls, "127.0.0.1", 0)
    async with serving(hang_up, certificate) as secure, plain:
        port = plain.sockets[0].getsockname()[1]
        told = {}
        for url in (f"https://127.0.0.1:{port}", secure.url.replace("http:", "https:"), secure.url):
            async with webex(url, timeout=2.0) as session:
                told[url] = await session.check_login()
    without, wrong, wants_it = told.values()
    assert {ruling.verdict for ruling in told.values()} == {Verdict.NOT_PLACED}
    assert without.detail.endswith("TLS: wrong version number; perhaps no TLS is spoken there")
    assert "TLS: its certificate is not valid: self-signed certificate" in wrong.detail
    assert wants_it.detail.endswith("it may want https")


HTML = b"<html><title>Sign in</title></html>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (200, {}, HTML, "the answer is an HTML page, none of the API's answers (HTTP 200)"),
        (502, {"content-type": "text/html"}, b"Bad Gateway", "the answer is an HTML page, none of the API's answers"),
        (500, {}, b"", "the answer is empty (HTTP 500)"),
        (418, {}, b"I'm a teapot", "the answer is no JSON, none of the API's answers (HTTP 418)"),
        (200, {}, b'["hello"]', "the answer is JSON of another kind, none of the API's answers (HTTP 200)"),
        (
            302,
            {"location": "https://me:key@login.example/secret?a=b"},
            b"",
            "the answer is a redirect to login.example,",
        ),
        (303, {"location": "http://["}, HTML, "the answer is a redirect, none"),
    ],
)
@pytest.mark.parametrize("provider", ["webex", "callgear"])
async def test_what_answers_instead_of_the_api_is_described(provider, status, headers, body, told):
    """No call was asked for: none is talked about."""
    reply = HttpReply(status=status, headers=headers, body=body)
    ruling = provider_for(account_settings(provider=provider)).read_checking(reply)
    if (provider, status, body) == ("webex", 200, b'["hello"]'):
        return  # there every success says that the key is good, but a page
    assert ruling.verdict is Verdict.NOT_PLACED
    assert told in ruling.why
    assert "call" not in ruling.why
    assert "secret" not in ruling.why


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subject = ["-subj", "/CN=127.0.0.1", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@pytest.mark.skipif(sys.platform != "linux", reason="how a full backlog behaves is Linux's")
async def test_a_connection_that_never_comes_about_places_no_call_and_ends_in_time():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with webex(f"http://127.0.0.1:{full.getsockname()[1]}", timeout=0.3) as session:
            ruling = await session.place(CALL, soon())
        for filler in fillers:
            filler.close()
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_PLACED, "unreachable")
    assert ruling.detail.endswith(": none in time")


async def test_no_free_connection_before_the_deadline_places_no_call():
    async def never(request: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with serving(never) as wire, webex(wire.url, timeout=30, connections=1) as session:
        first = asyncio.create_task(session.place(CALL, soon()))
        await until(lambda: len(wire.heard) == 1)
        ruling = await session.place(CALL, soon(0.3))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_SENT, "too_late"), "the provider has no part in it"
    assert len(wire.heard) == 1


async def test_a_loop_that_stood_still_while_connecting_is_not_told_as_the_providers_failure():
    """The connection is there when the loop runs again; the deadline has passed, and nothing is sent."""
    async with serving(accept) as wire, webex(wire.url) as session:
        asyncio.get_running_loop().call_soon(lambda: time.sleep(0.5))
        ruling = await session.place(CALL, soon(0.2))
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_SENT, "too_late")
    assert wire.heard == []


async def test_many_more_requests_than_connections_leave_one_after_the_other_and_none_is_a_failure():
    async with serving(accept) as wire, webex(wire.url, connections=3) as session:
        rulings = await asyncio.gather(*(session.place(CALL, soon()) for _ in range(60)))
    assert {ruling.verdict for ruling in rulings} == {Verdict.PLACED}
    assert len(wire.heard) == 60
    assert wire.connections <= 3


async def test_a_question_that_found_no_free_connection_says_that_it_is_ours(monkeypatch):
    async def never(request: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr("dialer.transport.session.CONNECT_SECONDS", 0.2)
    async with serving(never) as wire, webex(wire.url, connections=1) as session:
        first = asyncio.create_task(session.place(CALL, soon()))
        await until(lambda: len(wire.heard) == 1)
        status = await session.call_status("m-1")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    assert (status.ruling.verdict, status.ruling.mnemonic) == (Verdict.NOT_PLACED, "no_free_connection")


async def test_an_answer_that_came_while_the_loop_stood_still_counts():
    """The kernel has the vendor's answer; the loop comes to it only after the time for it is over."""
    with timed_vendor() as vendor:
        async with webex(vendor.url, timeout=0.3) as session:
            assert (await session.place(CALL, soon())).verdict is Verdict.PLACED
            placing = asyncio.create_task(session.place(CALL, soon()))
            await asyncio.sleep(0)
            for _ in range(3):  # whenever it leaves
                time.sleep(0.8)
                await asyncio.sleep(0)
            ruling = await placing
    assert ruling.verdict is Verdict.PLACED


async def test_a_closed_session_places_no_call():
    async with serving(accept) as wire:
        session = webex(wire.url)
        await session.aclose()
        ruling = await session.place(CALL, soon())
    assert ruling.verdict is Verdict.NOT_PLACED
    assert wire.connections == 0


# The deadline


async def test_nothing_leaves_after_the_deadline():
    async with serving(accept) as wire, webex(wire.url) as session:
        ruling = await session.place(CALL, soon(-1))
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_SENT, "too_late")
    assert wire.connections == 0


async def test_nothing_leaves_when_the_deadline_passes_while_waiting_for_a_connection():
    wall = [datetime(2026, 3, 2, 12, tzinfo=UTC)]
    deadline = Deadline(wall[0] + timedelta(seconds=60), wall=lambda: wall[0], steady=lambda: 0.0)
    answer = asyncio.Event()

    async def when_told(request: Heard, writer: asyncio.StreamWriter) -> None:
        await answer.wait()
        await reply(writer, PLACED, status=201)

    async with serving(when_told) as wire, webex(wire.url, connections=1) as session:
        first = asyncio.create_task(session.place(CALL, soon()))
        await until(lambda: len(wire.heard) == 1)
        second = asyncio.create_task(session.place(CALL, deadline))
        await asyncio.sleep(0.02)
        wall[0] += timedelta(seconds=61)  # as after a frozen process
        answer.set()
        rulings = await asyncio.gather(first, second)
        third = await session.place(CALL, soon())
    assert [ruling.mnemonic for ruling in rulings] == [None, "too_late"]
    assert third.verdict is Verdict.PLACED
    assert len(wire.heard) == 2


async def test_nothing_leaves_when_the_deadline_passes_while_connecting():
    readings = iter([0.0, 0.0, 0.0])  # made, measured, looked at; and then the last look
    deadline = Deadline(utc_now() + timedelta(hours=1), steady=lambda: next(readings, 1e9))
    async with serving(accept) as wire, webex(wire.url) as session:
        ruling = await session.place(CALL, deadline)
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.NOT_SENT, "too_late")
    assert wire.heard == []


# Trouble after the request was sent


async def close(request: Heard, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def cut(request: Heard, writer: asyncio.StreamWriter) -> None:
    reset(writer)


async def reset_in_the_body(request: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"messageId":')
    await writer.drain()
    await asyncio.sleep(0.02)
    reset(writer)


async def close_in_the_body(request: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"messageId":')
    await writer.drain()
    writer.close()


async def garbage(request: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
    await writer.drain()


async def bad_gzip(request: Heard, writer: asyncio.StreamWriter) -> None:
    await reply(writer, b"not gzip at all", status=201, headers="Content-Encoding: gzip\r\n")


@pytest.mark.parametrize("behave", [close, cut, reset_in_the_body, close_in_the_body, garbage, bad_gzip])
async def test_a_request_that_was_read_and_not_answered_is_unconfirmed(behave):
    async with serving(behave) as wire, webex(wire.url) as session:
        ruling = await session.place(CALL, soon())
    assert ruling.verdict is Verdict.UNCONFIRMED
    assert (ruling.mnemonic, ruling.code, ruling.charged) == (None, None, None)  # the provider has said nothing
    assert len(wire.heard) == 1


async def test_a_server_that_never_answers_leaves_the_call_unconfirmed():
    async def never(request: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with serving(never) as wire, webex(wire.url, timeout=1.0) as session:
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.UNCONFIRMED, None)
    assert "in time (TimeoutError)" in ruling.detail
    assert len(wire.heard) == 1


async def test_an_answer_that_trickles_for_ever_is_given_up():
    async def trickle(request: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(trickle) as wire, webex(wire.url, timeout=1.0) as session:
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.UNCONFIRMED, None)
    assert "in time (TimeoutError)" in ruling.detail
    assert len(wire.heard) == 1


async def test_a_kept_connection_cut_under_a_request_is_not_replayed():
    async def once(request: Heard, writer: asyncio.StreamWriter) -> None:
        if len(wire.heard) == 1:
            await reply(writer, PLACED, status=201)
        else:
            reset(writer)

    async with serving(once) as wire, webex(wire.url) as session:
        first = await session.place(CALL, soon())
        second = await session.place(CALL, soon())
    assert (first.verdict, second.verdict) == (Verdict.PLACED, Verdict.UNCONFIRMED)
    assert (wire.connections, len(wire.heard)) == (1, 2)


async def test_a_kept_connection_closed_while_idle_never_makes_two_requests_of_one():
    async def answer_and_close(request: Heard, writer: asyncio.StreamWriter) -> None:
        await reply(writer, PLACED, status=201)
        writer.close()

    async with serving(answer_and_close) as wire, webex(wire.url) as session:
        rulings = [await session.place(CALL, soon()) for _ in range(20)]
    assert {ruling.verdict for ruling in rulings} <= {Verdict.PLACED, Verdict.UNCONFIRMED}
    placed = [ruling for ruling in rulings if ruling.verdict is Verdict.PLACED]
    assert len(placed) == len(wire.heard)


async def test_a_cancelled_call_raises_as_anything_cancelled_does():
    async def never(request: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with serving(never) as wire, webex(wire.url) as session:
        task = asyncio.create_task(session.place(CALL, soon()))
        await until(lambda: len(wire.heard) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_reply_that_our_reader_stumbles_over_is_unconfirmed():
    async with serving(accept) as wire, webex(wire.url) as session:

        class Stumbling(type(session.provider)):
            def read_placing(self, answer):
                raise KeyError(TEXT)

        session.provider.__class__ = Stumbling
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.UNCONFIRMED, None)
    assert TEXT not in repr(ruling)
    assert len(wire.heard) == 1


# Requests that place nothing


@pytest.mark.parametrize("behave", [close, cut, garbage])
async def test_a_question_that_got_no_answer_is_never_unconfirmed(behave):
    async with serving(behave) as wire, webex(wire.url) as session:
        status, checked = await session.call_status("m-1"), await session.check_login()
    assert (status.ruling.verdict, status.progress) == (Verdict.NOT_PLACED, None)
    assert checked.verdict is Verdict.NOT_PLACED


@pytest.mark.parametrize("behave", [close, cut, garbage])
async def test_a_look_that_got_no_answer_is_not_usable(behave):
    async with serving(behave) as wire, callgear(wire.url, access_token="t") as session:
        listing = await session.list_calls()
    assert (listing.usable, listing.ruling.verdict) == (False, Verdict.NOT_PLACED)


async def test_a_provider_without_a_list_says_so_without_being_asked():
    async with serving(accept) as wire, webex(wire.url) as session:
        listing = await session.list_calls()
    assert (listing.usable, listing.ruling.mnemonic) == (False, "not_offered")
    assert wire.connections == 0


async def test_a_finished_call_is_told_when_asked():
    async def tell(request: Heard, writer: asyncio.StreamWriter) -> None:
        await reply(writer, {"messageId": "m-1", "status": "No-answer", "endedAt": "2026-03-02T12:00:30Z"})

    async with serving(tell) as wire, webex(wire.url) as session:
        status = await session.call_status("m-1")
    assert status.outcome is Outcome.NO_ANSWER
    assert (wire.heard[0].method, wire.heard[0].path) == ("GET", "/v2/messages/m-1")


# Logging in


class Exchange:
    """CallGear's side of logins: it hands out tokens and knows which ones it takes."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.logins = 0
        self.logouts: list[str] = []
        self.starts: list[str] = []
        self.refuses_logins: str | None = None
        self.refuses_tokens = False

    async def __call__(self, request: Heard, writer: asyncio.StreamWriter) -> None:
        asked = request.json()
        await asyncio.sleep(0.005)
        if asked["method"] == "logout.user":
            self.logouts.append(asked["params"]["access_token"])
            answer: dict[str, object] = {"result": {"data": {"success": True}}}
        elif asked["method"] == "login.user":
            answer = self._login()
        else:
            answer = self._start(asked["params"]["access_token"])
        await reply(writer, {"jsonrpc": "2.0", "id": asked["id"], **answer})

    def _login(self) -> dict[str, object]:
        self.logins += 1
        if self.refuses_logins:
            return {"error": {"code": -32001, "data": {"mnemonic": self.refuses_logins}}}
        token = f"token-{self.logins}"
        self.taken = {token}
        expire_at = int(utc_now().timestamp()) + 3600
        return {"result": {"data": {"access_token": token, "expire_at": expire_at}}}

    def _start(self, token: str) -> dict[str, object]:
        self.starts.append(token)
        if token not in self.taken or self.refuses_tokens:
            return {"error": {"code": -32001, "data": {"mnemonic": "access_token_invalid"}}}
        return {"result": {"data": {"call_session_id": len(self.starts)}}}


async def together(session: Session, calls: int) -> list[Ruling]:
    return await asyncio.gather(*(session.place(CALL, soon()) for _ in range(calls)))


LOGIN = {"login": "operator", "password": "open sesame"}


async def test_many_calls_log_in_once():
    exchange = Exchange()
    async with serving(exchange) as wire, callgear(wire.url, **LOGIN) as session:
        rulings = await together(session, 20)
    assert {ruling.verdict for ruling in rulings} == {Verdict.PLACED}
    assert (exchange.logins, len(exchange.starts)) == (1, 20)


async def test_a_wrong_password_is_tried_once_and_halts_the_account_for_all_who_wait():
    exchange = Exchange()
    exchange.refuses_logins = "auth_error"
    async with serving(exchange) as wire, callgear(wire.url, **LOGIN) as session:
        rulings = await together(session, 20)
    assert {(ruling.verdict, ruling.mnemonic) for ruling in rulings} == {(Verdict.HALT_ACCOUNT, "auth_error")}
    assert (exchange.logins, exchange.starts) == (1, [])


async def test_a_token_that_ended_early_is_renewed_once_for_all_calls():
    exchange = Exchange()
    async with serving(exchange) as wire, callgear(wire.url, **LOGIN) as session:
        await together(session, 1)
        exchange.taken = set()
        rulings = await together(session, 10)
    assert {ruling.verdict for ruling in rulings} == {Verdict.PLACED}
    assert exchange.logins == 2
    assert exchange.starts.count("token-2") == 10


async def test_a_provider_that_refuses_every_token_halts_the_account_and_makes_no_loop():
    exchange = Exchange()
    exchange.refuses_tokens = True
    async with serving(exchange) as wire, callgear(wire.url, **LOGIN) as session:
        ruling = await session.place(CALL, soon())
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.HALT_ACCOUNT, "access_token_invalid")
    assert (exchange.logins, len(exchange.starts)) == (2, 2)


async def test_a_permanent_key_that_is_refused_halts_the_account_at_once():
    exchange = Exchange()
    async with serving(exchange) as wire, callgear(wire.url, access_token="permanent") as session:
        ruling = await session.place(CALL, soon())
    assert ruling.verdict is Verdict.HALT_ACCOUNT
    assert (exchange.logins, exchange.starts) == (0, ["permanent"])


async def test_a_login_that_gets_no_answer_places_no_call():
    async with serving(close) as wire, callgear(wire.url, **LOGIN) as session:
        ruling = await session.place(CALL, soon())
    assert ruling.verdict is Verdict.NOT_PLACED
    assert [request.json()["method"] for request in wire.heard] == ["login.user"]


async def test_the_list_of_calls_logs_in_too():
    async def tell(request: Heard, writer: asyncio.StreamWriter) -> None:
        login = {"access_token": "t", "expire_at": utc_now().timestamp() + 3600}
        await reply(writer, {"result": {"data": login if b"login.user" in request.body else []}})

    async with serving(tell) as wire, callgear(wire.url, **LOGIN) as session:
        listing = await session.list_calls()
    assert (listing.usable, list(listing.seen)) == (True, [])
    assert [heard.json()["method"] for heard in wire.heard] == ["login.user", "list.calls", "logout.user"]


# Secrets, and the synchronous face


async def test_no_key_number_or_text_gets_into_a_ruling_or_a_log(caplog):
    async def repeat_everything(request: Heard, writer: asyncio.StreamWriter) -> None:
        said = request.headers["key"] + " " + request.body.decode()
        await reply(writer, {"code": "7999", "message": said}, status=400)

    caplog.set_level(logging.DEBUG)
    told = []
    for behave in (repeat_everything, garbage, close):
        async with serving(behave) as wire, webex(wire.url) as session:
            told.append(repr(await session.place(CALL, soon())))
            told.append(repr(session.provider))
    told.append(caplog.text)
    for secret in (KEY, TEXT, TEXT[:20], CALL.to.digits, CALL.caller_id.digits):
        assert secret not in " ".join(told)


def test_a_wire_is_what_these_tests_say_it_is():
    async def main() -> Wire:
        async with serving(accept) as wire, webex(wire.url) as session:
            await session.place(CALL, soon())
            return wire

    wire = asyncio.run(main())
    assert wire.heard[0].json()["to"] == [{"msisdn": ["+14155550100"], "correlationId": str(CALL.correlation_id)}]
