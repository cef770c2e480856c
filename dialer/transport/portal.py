"""Base classes of clients: asynchronous ones, and blocking ones that run an event loop on a thread of their own."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from anyio.from_thread import BlockingPortal, start_blocking_portal


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
