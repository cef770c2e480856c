"""Counts that the audit gets once a minute at most, so that what was refused, however often, cannot fill the ledger."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

INTERVAL = timedelta(minutes=1)


class AuditCounts:
    """What happened since the last line of the audit, by name. Safe to use from several threads."""

    def __init__(self) -> None:
        self._not_in_audit: Counter[str] = Counter()
        self._audited_at: datetime | None = None
        self._lock = threading.Lock()

    def add(self, name: str, count: int = 1) -> None:
        """Count something for the audit."""
        if count:
            with self._lock:
                self._not_in_audit[name] += count

    def is_due(self, now: datetime) -> bool:
        """Whether there is something for the audit, and the last line was written at least a minute ago."""
        return bool(self._not_in_audit) and (self._audited_at is None or now >= self._audited_at + INTERVAL)

    def take_summary(self, now: datetime | None = None) -> str | None:
        """The counts that are not in the audit yet, as text, and forget them; None when nothing is due at `now`."""
        with self._lock:
            if not self._not_in_audit or (now is not None and not self.is_due(now)):
                return None
            summary = ", ".join(f"{name} {count}" for name, count in sorted(self._not_in_audit.items()))
            self._not_in_audit.clear()
            self._audited_at = now
            return summary
