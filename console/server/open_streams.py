"""Replies that go on for as long as their clients read them: how many there may be, and for how long."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from console.server.headers import Message, Receive, Send

MOST = 32
LONGEST = 3600.0  # seconds; then the client asks anew
RETRY_SECONDS = 10


class OpenStreams:
    """Counts the streams of a console; used on its event loop alone."""

    def __init__(self) -> None:
        self.most, self.longest = MOST, LONGEST
        self.closing = False
        self._count = 0

    def take(self) -> None:
        """Take a place. Refuses (429) one that is too many."""
        if self._count >= self.most:
            raise HTTPException(
                429, f"{self.most} streams are open, and that is the most", {"Retry-After": str(RETRY_SECONDS)}
            )
        self._count += 1

    def give_back(self) -> None:
        """Give a place back."""
        self._count -= 1

    def close(self) -> None:
        """Have all of them end soon: the console stops."""
        self.closing = True


class EventStream(StreamingResponse):
    """Server-sent events; gives its place back when it ends, whoever ends it."""

    media_type = "text/event-stream"

    def __init__(self, lines: AsyncIterator[str], streams: OpenStreams) -> None:
        super().__init__(lines, headers={"X-Accel-Buffering": "no"})  # a proxy passes each event on at once
        self._streams = streams

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.give_back()
