"""Who asks and does not read the answers keeps no connection, no memory and nobody out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from console.server.connections import Connections
from console.web.app import create_app
from tests.support import console_server
from tests.support.patience import PATIENCE

TAKE_SECONDS = 1.0
MOST = 8
SECRET = console_server.SECRET
RECEIPT = f"POST /receipts/bulk/{SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}"
ASKED = {
    "pages of the console": "GET /assets/console.css HTTP/1.1\r\nHost: 127.0.0.1\r\n{password}\r\n",
    "answers to receipts": RECEIPT.replace("{}", "{{}}"),
    "health checks": "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "refusals": "GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console that waits for its readers a second, and has few connections."""
    folder: Path = tmp_path_factory.mktemp("console")
    bounds = Connections(MOST, take_seconds=TAKE_SECONDS)
    app = create_app(console_server.settings(folder, f"sqlite:///{folder / 'ledger.sqlite3'}"), connections=bounds)
    with console_server.serving(app, bounds) as address:
        yield address


def request_for(kind: str) -> bytes:
    with console_server.client("http://127.0.0.1") as http:
        assert http.auth is not None
        signed = next(http.auth.auth_flow(http.build_request("GET", "/"))).headers["Authorization"]
    return ASKED[kind].format(password=f"Authorization: {signed}\r\n").encode()


@contextmanager
def reader(address: str, kind: str) -> Iterator[tuple[socket.socket, threading.Thread]]:
    """A connection of whose answers nothing is read, and the thread that asks over it until it is cut off."""
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        asking = threading.Thread(target=_ask_without_end, args=(connection, request_for(kind)))
        asking.start()
        try:
            yield connection, asking
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            asking.join(PATIENCE)
            assert not asking.is_alive()


def _ask_without_end(connection: socket.socket, request: bytes) -> None:
    with suppress(OSError):
        while True:
            connection.sendall(request * 100)


@pytest.mark.parametrize("kind", ASKED)
def test_answers_that_are_read_a_byte_a_time_are_cut_off(address: str, kind: str) -> None:
    with reader(address, kind) as (connection, asking):
        until = time.monotonic() + PATIENCE
        while asking.is_alive():
            assert connection.recv(1)
            assert time.monotonic() < until, "a byte now and then buys time without end"
            time.sleep(0.1)
    with console_server.client(address) as http:
        assert 'reason="too slow"' in http.get("/metrics").text


def test_those_who_read_nothing_keep_nobody_out(address: str) -> None:
    """Not longer than it takes to make so many answers that one is not taken: connections being answered stay."""
    with ExitStack() as readers:
        for _ in range(MOST + 4):
            readers.enter_context(reader(address, "health checks"))
        until, answered = time.monotonic() + PATIENCE, 0
        while answered < 5:
            assert time.monotonic() < until
            with suppress(httpx.TransportError), console_server.client(address, timeout=20.0) as http:
                assert (http.get("/healthz").status_code, http.get("/").status_code) == (200, 200)
                answered += 1
        with console_server.client(address) as http:
            assert 'reason="too many"' in http.get("/metrics").text


def test_a_long_answer_arrives_whole_at_a_reader_that_takes_its_time(address: str) -> None:
    """Slower than the bound in all, and never slower than it for a piece."""
    host, port = address.removeprefix("http://").split(":")
    count = 40
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        connection.connect((host, int(port)))
        connection.settimeout(PATIENCE)
        connection.sendall(request_for("pages of the console") * count)
        css = (Path(__file__).parents[3] / "console/templates/console.css").read_bytes()
        read, began = b"", time.monotonic()
        while read.count(css) < count:
            piece = connection.recv(8 << 10)
            assert piece, "it was cut off"
            read += piece
            time.sleep(0.05)
        assert time.monotonic() - began > TAKE_SECONDS
