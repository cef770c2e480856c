"""A time-out that is not spent while our own event loop does not run."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

STALLED = 0.05  # a timer this much late says that the loop, not the other side, was slow
GRACE = 0.5


class PatientTimeout:
    """Raise TimeoutError when the block takes longer than so many seconds; `renew` counts them anew from that moment.

    When the loop itself was late (a frozen process, a machine with too much to do), what has come meanwhile is read
    first: the time-out is put off once, by as long as the loop was late and at least GRACE.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._limit = asyncio.timeout(None)
        await self._limit.__aenter__()
        self.renew(self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        await self._limit.__aexit__(kind, exc, trace)

    def renew(self, seconds: float, *, put_off: bool = False) -> None:
        """The block may take so many seconds from now on."""
        self._stop()
        due = self._loop.time() + seconds
        self._timer = self._loop.call_at(due, self._expire, due, put_off)

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _expire(self, due: float, put_off: bool) -> None:
        late = self._loop.time() - due
        if late > STALLED and not put_off:
            self.renew(max(GRACE, late), put_off=True)
        else:
            self._limit.reschedule(self._loop.time())
