"""A time-out that is not spent while our own event loop does not run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

STALLED = 0.05  # a timer this much late says that the loop, not the other side, was slow
GRACE = 0.5

Renew = Callable[[float], None]


@asynccontextmanager
async def patient_timeout(seconds: float) -> AsyncIterator[Renew]:
    """Raise TimeoutError when the block takes longer; what it yields sets the seconds anew, counted from that moment.

    When the loop itself was late (a frozen process, a machine with too much to do), what has come meanwhile is read
    first: the time-out is put off once, by as long as the loop was late and at least GRACE.
    """
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def wait(seconds: float, *, put_off: bool = False) -> None:
        stop()
        due = loop.time() + seconds
        timers.append(loop.call_at(due, expire, due, put_off))

    def stop() -> None:
        while timers:
            timers.pop().cancel()

    def expire(due: float, put_off: bool) -> None:
        late = loop.time() - due
        if late > STALLED and not put_off:
            wait(max(GRACE, late), put_off=True)
        else:
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        wait(seconds)
        try:
            yield wait
        finally:
            stop()
