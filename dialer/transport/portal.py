"""What threads and event loops have to do with each other: clients of either kind, and coroutines started from afar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from weakref import WeakKeyDictionary

from anyio.from_thread import BlockingPortal, start_blocking_portal

_loops: WeakKeyDictionary[BlockingPortal, asyncio.AbstractEventLoop] = WeakKeyDictionary()
_running: set[asyncio.Task[None]] = set()  # a loop itself keeps no task alive


def loop_of(portal: BlockingPortal) -> asyncio.AbstractEventLoop:
    """The loop of a portal. The first call waits for it; later ones need no answer from it."""
    return _loops.get(portal) or _loops.setdefault(portal, portal.call(asyncio.get_running_loop))


def start_soon(portal: BlockingPortal, function: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
    """Start a coroutine on the portal's loop; returns at once, where the portal's own way waits for the loop's turn.

    Raises RuntimeError when the loop has ended.
    """
    loop = loop_of(portal)

    def start() -> None:
        task = loop.create_task(function(*args))
        _running.add(task)
        task.add_done_callback(_running.discard)

    loop.call_soon_threadsafe(start)


class AsyncCloseable:
    """An asynchronous context manager that calls `aclose` at the end of its block."""

    async def aclose(self) -> None:
        """Close connections and whatever else is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class OwnLoopClient:
    """A blocking context manager that starts its own event loop on a thread; `_portal` runs coroutines on it.

    Callbacks in `_at_end` run before the loop ends.
    """

    def __init__(self) -> None:
        self._at_end = ExitStack()
        self._portal: BlockingPortal = self._at_end.enter_context(start_blocking_portal())

    def close(self) -> None:
        """Log out if logged in, close the connections and end the loop's thread."""
        self._at_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
