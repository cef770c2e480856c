"""Who opens many connections and sends little keeps nobody out."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from console.server.connections import OnceAMinute
from tests.support import console_server, preloaded
from tests.support.forking import Forked
from tests.support.patience import PATIENCE
from tests.support.slow_connections import slow_connections

FILES, COUNT = 1024, 1100
WITH_FEW_FILES = f"""\
import resource, runpy
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
runpy.run_module("console.web", run_name="__main__")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console as it is started, at `ulimit -n 1024`."""
    folder: Path = tmp_path_factory.mktemp("console")
    (folder / "dialer.toml").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "DIALER_CONFIG": str(folder / "dialer.toml"),
        "DIALER_DATA_DIR": str(folder / "data"),
        "DIALER_CONSOLE__PASSWORD": console_server.PASSWORD,
        "DIALER_CONSOLE__PORT": str(port),
        "DIALER_ACCOUNTS__BULK__PROVIDER": "webex",
        "DIALER_ACCOUNTS__BULK__SERVICE_KEY": "k",
        "DIALER_ACCOUNTS__BULK__RECEIPT_SECRET": console_server.SECRET,
    }
    server = preloaded.started("-c", WITH_FEW_FILES, env=env, log=folder / "log")
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(PATIENCE)
    said = (folder / "log").read_text()
    assert "Traceback" not in said
    assert "connections closed" in said
    assert len(said) < 20_000, "what is refused fills no disk"


def _wait_for(url: str, server: Forked) -> None:
    while server.poll() is None:
        try:
            assert httpx.get(url, trust_env=False).status_code == 200
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the server ended at its start")


@pytest.mark.parametrize("kind", ["silent", "head", "body"])
def test_slow_connections_stop_neither_health_check_nor_receipts(address: str, kind: str) -> None:
    body = console_server.notice("OFFERED", "7407", call="call-1", attempt=None, at="2026-12-01T15:00:01Z")
    with slow_connections(address, COUNT, kind):
        for _ in range(10):
            with console_server.client(address) as http:  # each time on a connection of its own
                assert http.get("/healthz").status_code == 200
                assert http.post(f"/receipts/bulk/{console_server.SECRET}", content=body).status_code == 200
                assert http.get("/").status_code == 200


def test_a_request_that_never_ends_is_ended(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert connection.recv(100) == b""
        assert time.monotonic() - began > 5


def test_a_head_that_is_too_long_is_refused(address: str) -> None:
    with console_server.client(address) as http, suppress(httpx.NetworkError):  # it may hang up before all is sent
        assert http.get("/", headers={"x-long": "x" * 600_000}).status_code == 400


RECEIPT = f"POST /receipts/bulk/{console_server.SECRET}"
CHUNKED = " HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
NO_HTTP = {
    "bad chunk of a stranger": ("POST /api/v1/campaigns/x/pause" + CHUNKED + "ZZ\r\n", ""),
    "bad chunk of a receipt": (RECEIPT + CHUNKED + "ZZ\r\n", ""),
    "bad chunk after a good one": (RECEIPT + CHUNKED + "2\r\n{}\r\n", "-1\r\n"),
    "bad chunk after the answer": ("POST /nowhere" + CHUNKED + "2\r\n{}\r\n", "ZZ\r\n"),
    "bad request behind a good one": ("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n\x00\x01\r\n\r\n", ""),
    "TLS": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", ""),
    "another protocol": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ""),
}


@pytest.mark.parametrize("kind", NO_HTTP)
def test_what_is_no_http_is_refused_without_a_traceback(address: str, kind: str) -> None:
    """The log is looked at when the server has ended."""
    host, port = address.removeprefix("http://").split(":")
    first, then = NO_HTTP[kind]
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(first.encode("latin-1"))
        answer = b"" if "receipts" in first or not then else connection.recv(4096)  # a receipt is read to its end
        with suppress(ConnectionError):
            connection.sendall(then.encode("latin-1"))
            while piece := connection.recv(4096):
                answer += piece
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 5" not in answer


def test_what_was_closed_is_counted(address: str) -> None:
    with slow_connections(address, COUNT, "silent"), console_server.client(address) as http:
        assert 'reason="too many"' in http.get("/metrics").text


def test_where_no_file_is_left_that_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("asyncio")
    logger.addFilter(once := OnceAMinute())
    try:
        for _ in range(1000):
            logger.error("socket.accept() out of system resource\nsocket: %s", "a socket")
        logger.error("something else")
    finally:
        logger.removeFilter(once)
    assert len(caplog.records) == 2
