"""Celery beat that sends ticks whatever the clocks of the machines say, and only while workers take them.

It keeps nothing on disk: each tick is due every second or so, and a full disk must not end it.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import schedstate, schedule

from dialer.log import get_logger
from dialer.seldom import Seldom
from workers.queues import TICKS

log = get_logger()
_named = Seldom()
MAX_QUEUED_TICKS = 9  # three rounds of ticks; more would only find the same work


class Tick(schedule):  # type: ignore[misc]
    """A schedule that is due at every interval, and at once after the clock has been set back."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether it is due, and in how many seconds to ask again; a last run in the future counts as long ago."""
        now = self.maybe_make_aware(self.now())
        last = self.maybe_make_aware(last_run_at)
        return super().is_due(last if last <= now else now - self.run_every)


class Beat(Scheduler):  # type: ignore[misc]
    """Celery's own beat, but it skips a tick while MAX_QUEUED_TICKS are waiting for a worker.

    Ticks have no expiry: workers whose clock is ahead would drop them all. That the broker takes none is told once a
    minute.
    """

    _waiting = MAX_QUEUED_TICKS  # ticks at the most: those that waited when the broker was asked, and those sent since

    def tick(self, *_args: Any, **_named: Any) -> float:
        """Send the ticks that are due; returns the seconds until the next are. A clock set back delays none.

        All are sent with the same look at the clock, so they are due together and beat wakes once for them. Celery's
        own wakes for each of them, 10 ms before it is due, and asks without a pause until then.
        """
        moment, began = self.app.now(), time.monotonic()
        waits = [self.max_interval]
        for name, entry in list(self.schedule.items()):
            is_due, seconds = entry.is_due()
            if is_due:
                self.schedule[name] = entry.next(moment)
                self.apply_entry(entry, producer=self.producer)
            waits.append(seconds)
        return max(0.0, float(min(waits)) - (time.monotonic() - began))

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the task of this entry, unless too many ticks are waiting."""
        if self._waiting >= MAX_QUEUED_TICKS:
            self._waiting = self._queued_ticks(producer)
        if self._waiting >= MAX_QUEUED_TICKS:
            return
        self._waiting += 1
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as exc:
            if _named.is_due("no ticks"):
                remedy = "see that Redis runs and takes writes; ticks go on by themselves"
                log.error("the broker takes no ticks", why=str(exc.__cause__ or exc.__context__), remedy=remedy)

    def _queued_ticks(self, producer: Any) -> int:
        try:
            return int(producer.channel.queue_declare(TICKS, passive=True).message_count)
        except Exception:  # no such queue yet, or no broker: sending reports that better
            return 0
