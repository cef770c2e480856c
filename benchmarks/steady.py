"""Requests at a steady rate, however long their answers take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import aiohttp

T = TypeVar("T")
Post = Callable[[T], Awaitable[tuple[int, float]]]


async def at_rate(rate: float, items: Iterable[T], post: Post[T]) -> tuple[list[float], set[int]]:
    """Post so many of these a second; how many seconds each answer took, and the statuses."""
    waits: list[float] = []
    statuses: set[int] = set()

    async def one(item: T) -> None:
        status, seconds = await post(item)
        statuses.add(status)
        waits.append(seconds)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as posts:
        for number, item in enumerate(items):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            posts.create_task(one(item))
    return waits, statuses


async def timed(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> tuple[int, float]:
    """The status of a request's answer, and the seconds until it was read."""
    began = time.perf_counter()
    async with request as reply:
        await reply.read()
    return reply.status, time.perf_counter() - began
