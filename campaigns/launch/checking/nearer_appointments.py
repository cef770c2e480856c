"""Counts the appointments of a list that are nearer than a reminder of them: that reminder is left out."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import datetime

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.reminders import reminder_moments
from campaigns.definition import Definition
from campaigns.launch.checking.staging import NO_ZONE
from dialer.plural import counted


class NearerAppointments:
    """The moments of all reminders of a list, which is read row by row; a million of them fit in memory."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._moments = [array("d") for _ in definition.reminders]

    def add(self, row: ContactRow) -> None:
        """Note when the contact is to be reminded."""
        if self._moments and row.not_after is not None:
            at = reminder_moments(self._definition, row.zone or NO_ZONE, row.not_after)
            for moments, moment in zip(self._moments, at, strict=True):
                moments.append(moment.timestamp())

    def warnings(self, now: datetime) -> Iterator[str]:
        """For each reminder, how many contacts do not get it, because its moment has passed."""
        labels = self._definition.reminder_labels
        for label, moments in zip(labels, self._moments, strict=True):
            if passed := sum(moment < now.timestamp() for moment in moments):
                have = counted(passed, "contact has", "contacts have")
                so = "not called at all" if label == labels[-1] else "that reminder is left out"
                yield f"{have} an appointment nearer than {label}: {so}"
