"""Bounds of the console's connections: how many there are, and how long a request may take to arrive.

A connection that is too many closes the one that has waited longest for its request: who opens many and sends little
keeps nobody out.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from structlog import get_logger
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 400
BACKLOG = 100  # also how many are accepted before the oldest are closed
HEAD_SECONDS = 10.0  # from a connection, or a request's first byte, to the end of its head
BODY_SECONDS = 30.0  # from there to the end of its body
MAX_HEAD_BYTES = 32 << 10
LOG_INTERVAL = 60.0
OUT_OF_FILES = "out of system resource"  # a part of asyncio's words

log = get_logger()


class Connections:
    """The connections of one server that wait for a request, the longest first, and counts of those it has closed."""

    def __init__(self, most: int | None = None) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = most or max(8, min(MAX_CONNECTIONS, files // 3))
        self.registry = CollectorRegistry()
        self._closed = Counter(
            "dialer_connections_closed",
            "Connections that the console closed: too many at once, or a request that took too long to arrive.",
            ("reason",),
            registry=self.registry,
        )
        self._waiting: dict[BoundedProtocol, None] = {}  # in the order in which they began to wait
        self._logged_at = -LOG_INTERVAL
        self._not_logged = 0

    def wait(self, connection: BoundedProtocol) -> None:
        """Note that this connection begins to wait for a request."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def wait_no_more(self, connection: BoundedProtocol) -> None:
        """Note that its request has arrived, or that it is closed."""
        self._waiting.pop(connection, None)

    def make_room(self, connection: BoundedProtocol, open_now: int) -> None:
        """Close the connection that has waited longest when there are too many; without any, the new one."""
        if open_now > self.most:
            self.close(next(iter(self._waiting), connection), "too many")

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)
        self._bounds.make_room(self, len(self.connections))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Wait for what is missing of the request: its head, its body, or nothing."""
        if self.transport.is_closing():
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
        self._seconds = seconds
        self._deadline = self.loop.call_later(seconds, self._bounds.close, self, "too slow")
        self._bounds.wait(self)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._bounds.wait_no_more(self)
