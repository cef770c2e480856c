"""The faces of clients: those on an event loop, and those that bring one on a thread of its own."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from anyio.from_thread import BlockingPortal, start_blocking_portal


class AsyncCloseable:
    """An asynchronous context manager that is closed at the end of its block."""

    async def aclose(self) -> None:
        """Close what is open."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class OwnLoopClient:
    """A context manager with a portal into its loop; what `_at_end` holds is called back before the loop ends."""

    def __init__(self) -> None:
        self._at_end = ExitStack()
        self._portal: BlockingPortal = self._at_end.enter_context(start_blocking_portal())

    def close(self) -> None:
        """Log out where we logged in, close the connections and end the loop's thread."""
        self._at_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
