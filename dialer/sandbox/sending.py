"""Sending of the sandbox's own accord: in tasks, until it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping

import aiohttp

CONNECTIONS = 100
Post = Callable[["Sending", str, bytes, Mapping[str, str], float], Awaitable[int | None]]
"""Posts a body with these headers to a URL; the status of the answer, or None where none came in so many seconds."""


class Sending:
    """What sends of its own accord; `close` drops what is still to come."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def http(self) -> aiohttp.ClientSession:
        """Its one HTTP session."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))
        return self._session


async def post_over_http(
    sender: Sending, url: str, body: bytes, headers: Mapping[str, str], seconds: float
) -> int | None:
    """Post over the sender's HTTP session; no redirect is followed."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with sender.http().post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False) as reply:
            return reply.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
