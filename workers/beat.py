"""Celery beat that sends ticks whatever the clocks of the machines say, and only while workers take them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from celery.schedules import schedstate, schedule

TICKS = "ticks"
MAX_QUEUED_TICKS = 9  # three rounds of ticks; more would only find the same work


class Tick(schedule):  # type: ignore[misc]
    """A schedule that is due at every interval, and at once after the clock has been set back."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether it is due, and in how many seconds to ask again; a last run in the future counts as long ago."""
        now = self.maybe_make_aware(self.now())
        last = self.maybe_make_aware(last_run_at)
        return super().is_due(last if last <= now else now - self.run_every)


class Beat(PersistentScheduler):  # type: ignore[misc]
    """Celery's own beat, but it skips a tick while MAX_QUEUED_TICKS are waiting for a worker.

    Ticks have no expiry: workers whose clock is ahead would drop them all.
    """

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send the task of this entry, unless too many ticks are waiting."""
        if self._queued_ticks(producer) < MAX_QUEUED_TICKS:
            super().apply_entry(entry, producer=producer)

    def _queued_ticks(self, producer: Any) -> int:
        try:
            return int(producer.channel.queue_declare(TICKS, passive=True).message_count)
        except Exception:  # no such queue yet, or no broker: sending reports that better
            return 0
