"""Counts the reminders of a list that are left out: the appointment is nearer, or no calling hour comes in time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.reminders import reminder_moments
from campaigns.definition import Definition
from campaigns.launch.checking.staging import NO_ZONE
from dialer.plural import counted

MINUTE = 60
MOST_KEPT = 100_000


class NearerAppointments:
    """The moments of all reminders of a list, which is read row by row; a million of them fit in memory."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._moments = [array("d") for _ in definition.reminders]
        self._closed = [array("d") for _ in definition.reminders]  # those for which no calling hour comes in time
        self._last_told = array("d")  # of each contact, 0 where it has none
        self._openings: dict[tuple[str, int], float] = {}

    def add(self, row: ContactRow) -> None:
        """Note when the contact is to be reminded."""
        if self._moments and row.not_after is not None:
            zone, last_told = row.zone or NO_ZONE, 0.0
            at = [moment.timestamp() for moment in reminder_moments(self._definition, zone, row.not_after)]
            for number, (moment, following) in enumerate(pairwise([*at, row.not_after.timestamp()])):
                self._moments[number].append(moment)
                if self._opening(zone, moment) < following:
                    last_told = moment
                else:
                    self._closed[number].append(moment)
            self._last_told.append(last_told)

    def warnings(self, now: datetime) -> Iterator[str]:
        """For each reminder, how many contacts do not get it: its moment has passed, or its calling hours come late.

        Then how many contacts get none because of those hours.
        """
        labels, begins = self._definition.reminder_labels, now.timestamp()
        for label, moments, closed in zip(labels, self._moments, self._closed, strict=True):
            if passed := sum(moment < begins for moment in moments):
                have = counted(passed, "contact has", "contacts have")
                so = "not called at all" if label == labels[-1] else "that reminder is left out"
                yield f"{have} an appointment nearer than {label}: {so}"
            if too_late := sum(moment >= begins for moment in closed):
                have = counted(too_late, "contact has", "contacts have")
                yield f"{have} no reminder {label} before: no calling hour comes in time for it"
        lasts = self._moments[-1] if self._moments else ()
        if uncalled := sum(told < begins <= last for told, last in zip(self._last_told, lasts, strict=True)):
            left = counted(uncalled, "contact is not called at all", "contacts are not called at all")
            yield f"{left}: no calling hour comes in time"

    def _opening(self, zone: str, moment: float) -> float:
        """The first calling hour from this moment on (Unix seconds). Hours change by the minute, and are kept so."""
        minute = int(moment // MINUTE)
        kept = self._openings.get((zone, minute))
        if kept is None:
            if len(self._openings) >= MOST_KEPT:
                self._openings.clear()
            opening = next_opening(self._definition, zone, datetime.fromtimestamp(minute * MINUTE, UTC))
            kept = self._openings[zone, minute] = opening.timestamp() if opening else inf
        return max(kept, moment)
