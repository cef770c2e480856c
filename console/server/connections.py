"""Bounds of the console's connections: how many, how long a request may take to arrive, and an answer to be taken.

A connection that is too many closes the one that has waited longest for its client: who opens many, and sends or reads
little, keeps nobody out.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from typing import Any

import h11
from prometheus_client import CollectorRegistry, Counter
from uvicorn.protocols.http.h11_impl import H11Protocol

from dialer.log import get_logger
from dialer.metrics import begin_at_nought

MAX_CONNECTIONS = 400
BACKLOG = 100  # also how many are accepted before the oldest are closed
HEAD_SECONDS = 10.0  # from a connection, or a request's first byte, to the end of its head
BODY_SECONDS = 30.0  # from there to the end of its body, or to its next megabyte
BODY_STEP_BYTES = 1 << 20
TAKE_SECONDS = 60.0  # in which a client reads what stands ready for it
MAX_HEAD_BYTES = 32 << 10
SEND_BUFFER_BYTES = 64 << 10  # of the system, for a connection: by itself it would keep megabytes that nobody reads
LOG_INTERVAL = 60.0
TOO_MANY, TOO_SLOW = "too many", "too slow"  # why a connection is closed
OUT_OF_FILES = "out of system resource"  # a part of asyncio's words

log = get_logger()


class Connections:
    """A server's connections that wait for their clients, the longest first, and counts of those it has closed."""

    def __init__(self, most: int | None = None, *, take_seconds: float = TAKE_SECONDS) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = most or max(8, min(MAX_CONNECTIONS, files // 3))
        self.take_seconds = take_seconds
        self.registry = CollectorRegistry()
        self._closed = Counter(
            "dialer_connections_closed",
            "Connections that the console closed: too many at once, or a client that was too slow to send or to read.",
            ("reason",),
            registry=self.registry,
        )
        begin_at_nought(self._closed, (TOO_MANY, TOO_SLOW))
        self._waiting: dict[BoundedProtocol, None] = {}  # in the order in which they began to wait
        self._logged_at = -LOG_INTERVAL
        self._not_logged = 0

    def wait(self, connection: BoundedProtocol) -> None:
        """Note that this connection begins to wait for its client."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def wait_no_more(self, connection: BoundedProtocol) -> None:
        """Note that its client has sent or taken all, or that it is closed."""
        self._waiting.pop(connection, None)

    def make_room(self, connection: BoundedProtocol, open_now: int) -> None:
        """Close the connection that has waited longest when there are too many; without any, the new one."""
        if open_now > self.most:
            self.close(next(iter(self._waiting), connection), TOO_MANY)

    def close(self, connection: BoundedProtocol, reason: str) -> None:
        """Close a connection without an answer, count it, and say so once a minute."""
        self.wait_no_more(connection)
        connection.transport.abort()
        self._closed.labels(reason).inc()
        self._not_logged += 1
        if time.monotonic() >= self._logged_at + LOG_INTERVAL:
            log.warning("connections closed", reason=reason, count=self._not_logged, most=self.most)
            self._logged_at, self._not_logged = time.monotonic(), 0


class OnceAMinute(logging.Filter):
    """Lets asyncio say once a minute that no file is left for a connection; it would say so for each."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at = -LOG_INTERVAL

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged."""
        if OUT_OF_FILES not in str(record.msg):
            return True
        if time.monotonic() < self._said_at + LOG_INTERVAL:
            return False
        self._said_at = time.monotonic()
        return True


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, within the bounds of `connections`."""

    def __init__(self, *args: Any, bounds: Connections, **named: Any) -> None:
        super().__init__(*args, **named)
        self._bounds = bounds
        self._deadline: asyncio.TimerHandle | None = None
        self._seconds = 0.0
        self._step_bytes = 0  # that have come since the deadline began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if (client := transport.get_extra_info("socket")) is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.set_write_buffer_limits(high=0)  # `pause_writing` as soon as an answer is not taken at once
        self._wait(HEAD_SECONDS)
        self._bounds.make_room(self, len(self.connections))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._step_bytes += len(data)
        if self._step_bytes >= BODY_STEP_BYTES and self._seconds == BODY_SECONDS:
            self._stop()  # a long list may take its time as long as it comes
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; where a request was being answered already, the connection is closed instead."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # else the app's own answer would come after this one
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Wait for the client to take the answer, or to send the rest of a head or of a body; else for nothing."""
        if self.flow.write_paused:  # also where the connection is to be closed after it
            self._wait(self._bounds.take_seconds)
        elif self.transport.is_closing():
            self._stop()
        elif self.cycle is None or self.cycle.response_complete:
            self._wait(HEAD_SECONDS)
        elif self.cycle.more_body:
            self._wait(BODY_SECONDS)
        else:
            self._stop()

    def _wait(self, seconds: float) -> None:
        if self._deadline is not None and self._seconds == seconds:
            return  # what has begun goes on: a byte now and then buys no time
        self._stop()
        self._seconds, self._step_bytes = seconds, 0
        self._deadline = self.loop.call_later(seconds, self._bounds.close, self, TOO_SLOW)
        self._bounds.wait(self)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._bounds.wait_no_more(self)
