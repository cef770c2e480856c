"""Counts the reminders of a list that are left out: the appointment is nearer, or no calling hour comes in time."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import inf

from campaigns.audience.rows.contact_row import ContactRow
from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.reminders import reminder_moments
from campaigns.calendar.zones import zones_of
from campaigns.definition import Definition
from campaigns.launch.checking.staging import NO_ZONE
from dialer.plural import counted

Span = tuple[float, float, float]
"""A time in which calls are allowed, or not: its beginning and end, and the first moment from its beginning on at which
they are (Unix seconds)."""


class NearerAppointments:
    """The moments of all reminders of a list, which is read row by row; a million of them fit in memory."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._moments = [array("d") for _ in definition.reminders]
        self._closed = [array("d") for _ in definition.reminders]  # those for which no calling hour comes in time
        self._last_told = array("d")  # of each contact, 0 where it has none
        self._spans: dict[str, list[Span]] = {}  # by zone, in their order

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
        """The first calling hour from this moment on (Unix seconds); infinite where none comes."""
        spans = self._spans.setdefault(zone, [])
        place = bisect_right(spans, (moment, inf, inf)) - 1
        if place < 0 or moment >= spans[place][1]:
            place += 1
            spans.insert(place, self._span_from(zone, moment))
        return max(moment, spans[place][2])

    def _span_from(self, zone: str, moment: float) -> Span:
        at = datetime.fromtimestamp(moment, UTC)
        opens = next_opening(self._definition, zone, at)
        if opens is None or opens > at:
            until = opens.timestamp() if opens else inf
            return moment, until, until
        closes = self._definition.windows.closes_at(at, *zones_of(zone))
        ends = [one.timestamp() for one in (closes, self._definition.ends_at) if one]
        return moment, min(ends, default=inf), moment
