"""Opens many connections that send as little as keeps them open, and opens those anew that are closed.

`python -m tests.support.slow_connections 127.0.0.1 8080 1100 head` does so until it is stopped.
"""

from __future__ import annotations

import resource
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import preloaded

BEGINNINGS = {
    "silent": b"",
    "head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "body": b"POST /receipts/bulk/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n{",
}
DRIPS = {"silent": b"", "head": b"X-A: b\r\n", "body": b" "}
DRIP_SECONDS = 1.0


class SlowConnections:
    """So many connections of one kind; once a second those that the server has ended are opened anew."""

    def __init__(self, host: str, port: int, count: int, kind: str) -> None:
        self._address, self._count, self._kind = (host, port), count, kind
        self._selector = selectors.DefaultSelector()
        self._closed = 0

    def run(self) -> None:
        """Go on for ever, and say once when all have been opened."""
        for _ in range(self._count):
            self._open()
        sys.stdout.write("open\n")
        sys.stdout.flush()
        while True:
            closed, self._closed = self._closed, 0
            for _ in range(closed):
                self._open()
            until = time.monotonic() + DRIP_SECONDS
            while (left := until - time.monotonic()) > 0:
                for key, _ in self._selector.select(left):
                    self._read(key.fileobj)  # type: ignore[arg-type]
            for key in list(self._selector.get_map().values()):
                self._send(key.fileobj, DRIPS[self._kind])  # type: ignore[arg-type]

    def _open(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(self._address)
        self._selector.register(connection, selectors.EVENT_READ)
        for _ in range(100):
            if self._send(connection, BEGINNINGS[self._kind]):
                return
            time.sleep(0.01)

    def _send(self, connection: socket.socket, content: bytes) -> bool:
        try:
            connection.send(content)
        except BlockingIOError:
            return False
        except OSError:
            self._close(connection)
        return True

    def _read(self, connection: socket.socket) -> None:
        try:
            if connection.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._close(connection)

    def _close(self, connection: socket.socket) -> None:
        if connection.fileno() < 0:
            return
        self._selector.unregister(connection)
        connection.close()
        self._closed += 1


@contextmanager
def slow_connections(address: str, count: int, kind: str) -> Iterator[None]:
    """So many slow connections to this address while the block runs, from a process of their own."""
    host, port = address.removeprefix("http://").split(":")
    with preloaded.begun("tests.support.slow_connections", host, port, str(count), kind) as (_, said):
        assert said.readline() == "open\n"
        yield


def main() -> None:
    """Open them as the arguments say: host, port, how many, which kind."""
    host, port, count, kind = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    SlowConnections(host, int(port), int(count), kind).run()


if __name__ == "__main__":
    main()
