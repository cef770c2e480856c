"""Keeps threads from starting calls that their event loop has no time for."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from anyio.from_thread import BlockingPortal

from dialer.transport.departure import Departures
from dialer.transport.portal import loop_of, start_soon

SLOW = 0.03  # seconds in which an event loop answers that has time to spare
LONGEST_WAIT = 1.0
LONGEST_PREPARATION = 0.1


class Admission:
    """Asks the event loop of a process, before calls are started, whether it has done what was started before.

    Threads and event loop share one interpreter: what is started while the loop is behind does not leave sooner, and
    answers that lie ready are read too late.
    """

    def __init__(self, loop: BlockingPortal) -> None:
        loop_of(loop)  # while it answers: to ask a loop that does not would be to wait for it
        self._loop = loop
        self._preparation = 0.01

    def wait_for_the_loop(self, departures: Collection[Departures] = ()) -> set[Departures]:
        """Return when the loop has done what it has at hand; where that takes long, also what came meanwhile.

        Returns those of these departures whose requests wait too long for their slots.
        """
        late = set(departures)  # until the loop says otherwise
        for _ in range(2):
            asked, answered = time.monotonic(), threading.Event()
            start_soon(self._loop, _answer, answered, departures, late)
            answered.wait(LONGEST_WAIT)
            if time.monotonic() - asked <= SLOW:
                break
        return late

    @property
    def preparation(self) -> float:
        """Seconds between taking a token and leaving: somewhat more than writing the attempts takes."""
        return min(1.5 * self._preparation, LONGEST_PREPARATION)

    def learn_preparation(self, seconds: float) -> None:
        """Writing attempts took so long."""
        self._preparation += (seconds - self._preparation) / 8


async def _answer(answered: threading.Event, departures: Collection[Departures], late: set[Departures]) -> None:
    late.clear()
    late.update(own for own in departures if own.are_late)
    answered.set()
