"""A Webex Connect in a process of its own that accepts every request at once, and knows when each came.

The kernel stamps what comes, so that no busy machine makes the requests look closer together than they were. It speaks
just enough HTTP to cost much less than what is measured beside it.
"""

from __future__ import annotations

import json
import multiprocessing
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support import loopback
from tests.support.patience import PATIENCE

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
STAMPED = 35  # SO_TIMESTAMPNS of Linux, which Python has no name for


class TimedVendor:
    """The vendor as its measurer sees it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def arrivals(self) -> list[float]:
        """When each request came, by the wall clock; what was told before is not told again."""
        moments: list[float] = loopback.get(f"{self.url}/_arrivals").json()
        return moments


@contextmanager
def timed_vendor() -> Iterator[TimedVendor]:
    """A vendor on loopback for as long as the block runs."""
    spawn = multiprocessing.get_context("spawn")
    address = spawn.Queue()
    process = spawn.Process(target=_serve, args=(address,), daemon=True)
    process.start()
    try:
        yield TimedVendor(address.get(timeout=PATIENCE))
    finally:
        process.terminate()
        process.join()


def most_within(moments: Sequence[float], seconds: float = 1.0) -> int:
    """The most that came within any so many seconds."""
    ordered, first, most = sorted(moments), 0, 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def _serve(address: Any) -> None:
    came: list[float] = []
    with socket.socket() as door, selectors.DefaultSelector() as ready:
        door.bind(("127.0.0.1", 0))
        if sys.platform == "linux":
            door.setsockopt(socket.SOL_SOCKET, STAMPED, 1)  # the connections inherit it
        door.listen(1024)
        ready.register(door, selectors.EVENT_READ)
        address.put(f"http://127.0.0.1:{door.getsockname()[1]}")
        while True:
            for key, _ in ready.select():
                if key.fileobj is door:
                    caller, _ = door.accept()
                    ready.register(caller, selectors.EVENT_READ, _Connection(caller, came))
                elif not key.data.read():
                    ready.unregister(key.fileobj)
                    key.data.close()


class _Connection:
    """One connection: reads whole requests, and answers each at once."""

    def __init__(self, caller: socket.socket, came: list[float]) -> None:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._caller = caller
        self._came = came
        self._read = b""
        self.close = caller.close

    def read(self) -> bool:
        """Read what is there, and answer it; False when the connection is over."""
        try:
            data, stamps, _, _ = self._caller.recvmsg(65536, 128)
            self._read += data
            while (end := self._read.find(END_OF_HEAD)) >= 0:
                whole = end + len(END_OF_HEAD) + _length(self._read[:end])
                if len(self._read) < whole:
                    break
                request, self._read = self._read[:whole], self._read[whole:]
                self._caller.sendall(self._answer(request, _stamped(stamps)))
        except OSError:
            return False
        return bool(data)

    def _answer(self, request: bytes, moment: float) -> bytes:
        if request.startswith(b"GET /_arrivals"):
            told, self._came[:] = list(self._came), []
            return _reply(b"200 OK", json.dumps(told).encode())
        if not request.startswith(b"POST"):
            return _reply(b"404 Not Found", b"{}")
        self._came.append(moment)
        name = f"m-{self._caller.fileno()}-{time.monotonic_ns()}"
        return _reply(b"201 Created", json.dumps({"messageId": name, "status": "queued"}).encode())


def _stamped(stamps: Sequence[tuple[int, int, bytes]]) -> float:
    for level, kind, data in stamps:
        if (level, kind) == (socket.SOL_SOCKET, STAMPED):
            seconds, nanoseconds = struct.unpack("ll", data[:16])
            return float(seconds + nanoseconds / 1e9)
    return time.time()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(LENGTH):
            return int(line[len(LENGTH) :])
    return 0


def _reply(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)
