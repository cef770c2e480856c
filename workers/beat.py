"""Beat: sends the ticks, whatever the clocks of its machine and the workers' say, and never more than are taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery.beat import PersistentScheduler, ScheduleEntry
from celery.schedules import schedstate, schedule

TICKS = "ticks"
MAX_QUEUED_TICKS = 9  # three rounds of ticks: the next one finds the same work, so more are worth nothing


class Tick(schedule):  # type: ignore[misc]
    """Due at every interval. A clock that has been set back does not put it off: it is due at once then."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        now = self.maybe_make_aware(self.now())
        last = self.maybe_make_aware(last_run_at)
        return super().is_due(last if last <= now else now - self.run_every)


class Beat(PersistentScheduler):  # type: ignore[misc]
    """Celery's own beat, but a tick is left out while the workers have not taken the earlier ones.

    No tick carries a time after which it is void: workers whose clock is ahead would drop them all.
    """

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        if self._waiting(producer) < MAX_QUEUED_TICKS:
            super().apply_entry(entry, producer=producer)

    def _waiting(self, producer: Any) -> int:
        try:
            return int(producer.channel.queue_declare(TICKS, passive=True).message_count)
        except Exception:  # no such queue yet, or no broker: sending tells better what is wrong
            return 0
