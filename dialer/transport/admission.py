"""Admits as many threads to the work beside the event loop as leave the loop the time that it needs."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from anyio.from_thread import BlockingPortal

from dialer.transport.portal import start_soon

QUICK, SLOW = 0.01, 0.03  # seconds in which an event loop answers that has time to spare, and that is behind
LONGEST_WAIT = 1.0
LONGEST_PREPARATION = 0.1
FIRST = 2.0

CaughtUp = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    """Nothing is waited for but the loop itself."""


class Admission:
    """How many threads of this process may start calls at once; it learns that from how soon the event loop answers.

    Threads and event loop share one interpreter: more threads at work than it carries place fewer calls, not more, and
    answers that lie ready are read too late. A store that is far away keeps threads waiting and the loop free, so more
    are admitted.
    """

    def __init__(self, loop: BlockingPortal, most: int = 32) -> None:
        self._loop = loop
        self._most = most
        self._limit = FIRST
        self._inside = 0
        self._changed = threading.Condition()
        self._preparation = 0.01
        self._loop_is_quick = False

    @property
    def limit(self) -> int:
        """How many threads are admitted at once, at least one."""
        return max(1, int(self._limit))

    @contextmanager
    def admitted(self, caught_up: CaughtUp = _at_once) -> Iterator[None]:
        """Wait for a place and for a loop that is not behind; hold the place for the block. Not to be nested.

        `caught_up` returns, on the loop, when what was started before is no longer late.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._inside < self.limit)
            self._inside += 1
        try:
            self._wait_for_the_loop(caught_up)
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    @property
    def preparation(self) -> float:
        """Seconds between taking a token and leaving: somewhat more than writing the attempts takes."""
        return min(1.5 * self._preparation, LONGEST_PREPARATION)

    def learn_preparation(self, seconds: float) -> None:
        """A thread that is inside wrote attempts, which took so long; if the loop has time to spare, more may."""
        self._preparation += (seconds - self._preparation) / 8
        with self._changed:
            if self._loop_is_quick and self._inside >= self.limit:
                self._limit = min(self._most, self._limit + 1 / self._limit)
                self._changed.notify()

    def learn(self, seconds: float) -> None:
        """The loop took so long to answer."""
        with self._changed:
            self._loop_is_quick = seconds < QUICK
            if seconds > SLOW:
                self._limit = max(1.0, self._limit / 2)

    def _wait_for_the_loop(self, caught_up: CaughtUp) -> None:
        """Wait until it has done what it has at hand; where that takes long, also what came meanwhile."""
        for _ in range(2):
            asked, answered = time.monotonic(), threading.Event()
            start_soon(self._loop, _answer, answered, caught_up)
            answered.wait(LONGEST_WAIT)
            took = time.monotonic() - asked
            self.learn(took)
            if took <= SLOW:
                return


async def _answer(answered: threading.Event, caught_up: CaughtUp) -> None:
    await caught_up()
    answered.set()
