"""Every exception that the HTTP stack can raise has its verdict."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import pytest
from aiohttp import client_exceptions
from aiohttp.client_reqrep import ConnectionKey

from dialer.errors import NotPlaced, ProviderError, TooLate, Unconfirmed, Unreachable
from dialer.http import HttpRequest
from dialer.transport.http_client import HttpClient, _begun, provider_error, translate_errors
from tests.support.patience import PATIENCE

PLACING = HttpRequest(method="POST", url="https://user:secret@api.example/v2", body=b"hello", places=True)
ASKING = HttpRequest(method="GET", url="https://api.example/v2")
HOST = ConnectionKey("api.example", 443, True, True, None, None, None)
REFUSED = OSError(111, "refused")

NEVER_SENT = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientProxyConnectionError",
    "UnixClientConnectorError",
    "ClientSSLError",
    "ClientConnectorSSLError",
    "ClientConnectorCertificateError",
    "ConnectionTimeoutError",
}


def all_below(*roots: type[BaseException]) -> Iterator[type[BaseException]]:
    for root in roots:
        yield root
        yield from all_below(*root.__subclasses__())


def named(classes: set[type[BaseException]]) -> list[type[BaseException]]:
    return sorted(classes, key=lambda kind: kind.__name__)


EXPORTED = {getattr(client_exceptions, name) for name in client_exceptions.__all__}
AIOHTTP = named(EXPORTED | {kind for kind in all_below(aiohttp.ClientError) if kind.__module__.startswith("aiohttp")})


def test_the_walk_finds_the_exceptions_it_is_about():
    assert {kind.__name__ for kind in AIOHTTP} >= {*NEVER_SENT, "ServerDisconnectedError", "ClientPayloadError"}


@pytest.mark.parametrize("kind", AIOHTTP)
def test_only_aiohttps_own_failures_to_connect_surely_place_no_call(kind):
    expected = Unreachable if kind.__name__ in NEVER_SENT else Unconfirmed
    assert type(provider_error("webex", PLACING, kind.__new__(kind))) is expected


@pytest.mark.parametrize("kind", [*AIOHTTP, OSError, TimeoutError, RuntimeError, KeyError, ssl.SSLError])
def test_a_question_that_failed_is_never_unconfirmed(kind):
    error = provider_error("webex", ASKING, kind.__new__(kind))
    assert isinstance(error, NotPlaced)
    assert error.ruling.mnemonic in {"unreachable", "timed_out", "connection_lost", "unexpected"}


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        pytest.param(aiohttp.ClientConnectorError(HOST, REFUSED), Unreachable, id="refused"),
        pytest.param(aiohttp.ConnectionTimeoutError("slow"), Unreachable, id="no connection"),
        pytest.param(aiohttp.ServerDisconnectedError(), Unconfirmed, id="closed after reading"),
        pytest.param(aiohttp.ClientOSError(104, "reset"), Unconfirmed, id="reset after reading"),
        pytest.param(aiohttp.ClientConnectionResetError("x"), Unconfirmed, id="reset in writing"),
        pytest.param(aiohttp.SocketTimeoutError("slow"), Unconfirmed, id="never answered"),
        pytest.param(aiohttp.ClientPayloadError("cut"), Unconfirmed, id="cut in the body"),
    ],
)
def test_a_request_that_may_have_been_read_is_in_doubt(raised, expected):
    assert type(provider_error("webex", PLACING, raised)) is expected


def test_an_earlier_refusal_in_the_background_does_not_whitewash_a_lost_request():
    lost = aiohttp.ClientPayloadError("lost")
    try:
        try:
            raise aiohttp.ClientConnectorError(HOST, REFUSED)
        except aiohttp.ClientConnectorError as exc:
            raise lost from exc
    except aiohttp.ClientPayloadError:
        pass
    assert isinstance(lost.__cause__, aiohttp.ClientConnectorError)
    assert type(provider_error("webex", PLACING, lost)) is Unconfirmed


@pytest.mark.parametrize("raised", [TimeoutError(), asyncio.CancelledError(), MemoryError(), RecursionError()])
def test_anything_else_leaves_the_call_unconfirmed(raised):
    async def main() -> None:
        with translate_errors("webex", PLACING):
            raise raised

    with pytest.raises(Unconfirmed):
        asyncio.run(main())


def test_an_error_of_ours_goes_through_as_it_is():
    late = TooLate("webex", "too late")
    with pytest.raises(TooLate) as caught, translate_errors("webex", PLACING):
        raise late
    assert caught.value is late


def test_an_error_tells_the_host_and_nothing_else_of_the_address_or_the_body():
    with pytest.raises(ProviderError) as caught, translate_errors("webex", PLACING):
        raise aiohttp.ClientPayloadError("hello secret")
    assert "api.example:443" in str(caught.value)
    assert "secret" not in f"{caught.value!s} {caught.value!r} {caught.value.ruling!r}"
    assert "hello" not in f"{caught.value!s} {caught.value!r} {caught.value.ruling!r}"


def test_a_request_is_written_in_the_turn_of_the_loop_in_which_it_was_checked():
    """A turn later, and however long that one lasts, the slot of a call may be over."""
    heard, in_time = threading.Event(), list[bool]()
    checks: list[None] = []

    def check() -> None:
        checks.append(None)
        if len(checks) == 2:  # with its connection open
            asyncio.get_running_loop().call_soon(lambda: in_time.append(heard.wait(PATIENCE)))

    def serve(door: socket.socket) -> None:
        caller, _ = door.accept()
        with caller:
            read = b""
            while not read.endswith(b"hello"):
                read += caller.recv(65536)
            heard.set()
            caller.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async def call(url: str) -> int:
        client = HttpClient(connections=1)
        request = HttpRequest(method="POST", url=url, body=b"hello", places=True)
        try:
            return (await client.exchange(request, timeout=60, connect_timeout=60, before_send=check)).status
        finally:
            await client.aclose()

    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as server:
        server.submit(serve, door)
        assert asyncio.run(call(f"http://127.0.0.1:{door.getsockname()[1]}")) == 200
    assert in_time == [True]


@pytest.mark.anyio
async def test_writing_that_has_to_wait_is_begun_at_once_goes_on_and_can_be_given_up():
    steps: list[str] = []

    async def write() -> None:
        steps.append("begun")
        await asyncio.sleep(0)
        steps.append("went on")
        try:
            await asyncio.Event().wait()
        finally:
            steps.append("given up")

    rest = _begun(write())
    assert steps == ["begun"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rest, 0.01)
    assert steps == ["begun", "went on", "given up"]
