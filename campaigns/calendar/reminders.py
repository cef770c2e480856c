"""When the reminders of an appointment are due: each so long before it, moved to the first hour of the calling window.

Whole days are days of the contact's calendar: the same time of day, also when clocks change in between. A time of day
that a change of the clock leaves out is an hour later; one that comes twice is the first. Hours and minutes are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol

from campaigns.calendar.calling_hours import CallingHours, next_opening
from campaigns.calendar.zones import zones_of

A_DAY = timedelta(days=1)


class RemindingHours(CallingHours, Protocol):
    """The members of a campaign's definition that say when its contacts are reminded."""

    @property
    def reminders(self) -> Sequence[timedelta]: ...


class DueReminder(NamedTuple):
    """The next reminder of a contact: its number, from 1; None: none is left, and `due_at` is the appointment."""

    number: int | None
    due_at: datetime


def reminder_moments(hours: RemindingHours, zone: str, appointment: datetime) -> list[datetime]:
    """The moment (UTC) of each reminder of this appointment, in their order."""
    return [_before(appointment, delay, zone) for delay in hours.reminders]


def _before(appointment: datetime, delay: timedelta, zone: str) -> datetime:
    if delay % A_DAY:
        return appointment.astimezone(UTC) - delay
    local_zone = zones_of(zone)[0]
    wall = appointment.astimezone(local_zone).replace(tzinfo=None, fold=0) - delay
    return wall.replace(tzinfo=local_zone).astimezone(UTC)


def next_reminder(
    hours: RemindingHours, zone: str, appointment: datetime, *, after: int = 0, now: datetime
) -> DueReminder:
    """The first reminder after the one of this number that can be told at its time, and when it is due.

    Left out are those whose moment has passed, and those whose first calling hour comes when the next one is due
    already, or after the appointment.
    """
    moments = [*reminder_moments(hours, zone, appointment), appointment]
    for number in range(after + 1, len(moments)):
        moment, following = moments[number - 1], moments[number]
        opening = told_at(hours, zone, moment, following) if moment >= now else None
        if opening is not None:
            return DueReminder(number, opening)
    return DueReminder(None, max(appointment, now))


def told_at(hours: RemindingHours, zone: str, moment: datetime, following: datetime) -> datetime | None:
    """The first calling hour for a reminder of this moment; None if it comes when `following` is due already.

    `following` is the moment of the next reminder, or the appointment.
    """
    opening = next_opening(hours, zone, moment)
    return opening if opening is not None and opening < following else None


def openings(hours: RemindingHours, zone: str, appointment: datetime) -> list[datetime | None]:
    """When each reminder of this appointment is told, whatever time it is; None: its calling hours come too late."""
    moments = [*reminder_moments(hours, zone, appointment), appointment]
    return [told_at(hours, zone, moment, following) for moment, following in pairwise(moments)]


def present_reminder(hours: RemindingHours, zone: str, appointment: datetime, *, first: int, now: datetime) -> int:
    """The reminder that a call at `now` tells: the last whose moment has come, and not before the `first`."""
    come = [number for number, at in enumerate(reminder_moments(hours, zone, appointment), 1) if at <= now]
    return max(first, come[-1] if come else 1)
