"""The gates that time keeps: whether a campaign may call a contact now, and when it next may.

A contact's `zone` is written as the ledger keeps it: one zone, or all those that the contact may be in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from campaigns.calendar.times import zones_of
from campaigns.calendar.windows import Windows
from dialer.calls import Outcome

DAY_PART_START_HOURS = (0, 12, 17)  # morning, afternoon and evening begin at these hours
OTHER_DAY_PART_WITHIN = timedelta(days=8)


class WrittenRule(Protocol):
    """A rule as the campaign file writes it."""

    @property
    def written(self) -> str: ...


class CallingHours(Protocol):
    """What a campaign's definition says of when its contacts may be called."""

    @property
    def starts_at(self) -> datetime | None: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def windows(self) -> Windows: ...
    @property
    def caps(self) -> Sequence[WrittenRule]: ...
    @property
    def other_part_of_day_outcomes(self) -> Collection[Outcome]: ...


def next_opening(hours: CallingHours, zone: str, now: datetime) -> datetime | None:
    """`now` when a contact in this zone may be called now, else when it next may; None for never again."""
    start, end = hours.starts_at, hours.ends_at
    earliest = max(now, start) if start else now
    opening = hours.windows.next_open(earliest, *zones_of(zone))
    if opening is None or (end is not None and opening >= end):
        return None
    return opening


def next_opening_at_all(hours: CallingHours, zone: str, moments: Sequence[datetime]) -> datetime | None:
    """The same where nobody knows which of these moments is now: the first when all allow it, else later than it.

    Later by the longest wait that any of them asks for; None when one says never again.
    """
    openings = [(moment, next_opening(hours, zone, moment)) for moment in moments]
    waits = [opening - moment for moment, opening in openings if opening is not None]
    return moments[0] + max(waits) if len(waits) == len(openings) else None


def next_try(
    hours: CallingHours,
    zone: str,
    outcome: Outcome,
    earliest: datetime,
    *,
    called_at: datetime,
    not_after: datetime | None = None,
) -> datetime | None:
    """When to try again, from `earliest` on, inside the windows; None for never again.

    In another part of the day than `called_at` where the definition asks for that and the next days have one, before
    the campaign's end and `not_after`.
    """
    opening = next_opening(hours, zone, earliest)
    if opening is None or outcome not in hours.other_part_of_day_outcomes:
        return opening
    avoided = part_of_day(called_at, zone)[0]
    candidate: datetime | None = opening
    while candidate is not None and candidate - opening < OTHER_DAY_PART_WITHIN:
        part, ends = part_of_day(candidate, zone)
        if part != avoided:
            return candidate if not_after is None or candidate < not_after else opening
        candidate = next_opening(hours, zone, ends)
    return opening


def call_evidence(hours: CallingHours, zone: str, now: datetime) -> tuple[str, str]:
    """What is kept about an attempt: the hour where the contact is, and the rules that allowed the call.

    Where the contact may be in several zones, the hour in each of them.
    """
    local_times = " ".join(now.astimezone(one).isoformat(timespec="seconds") for one in zones_of(zone))
    rules = [hours.windows.rule_at(now.astimezone(zones_of(zone)[0]))]
    if hours.windows.holidays:
        rules.append("no holiday")
    rules += [f"at most {cap.written} to this number" for cap in hours.caps]
    return local_times, "; ".join([*rules, "not on the suppression list"])


def part_of_day(moment: datetime, zone: str) -> tuple[int, datetime]:
    """The part of the contact's day that a moment is in, and the moment at which it ends."""
    local = moment.astimezone(zones_of(zone)[0])
    begins = max(hour for hour in DAY_PART_START_HOURS if hour <= local.hour)
    later = [hour for hour in DAY_PART_START_HOURS if hour > begins]
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = midnight.replace(hour=later[0]) if later else midnight + timedelta(days=1)
    return begins, max(ends.astimezone(moment.tzinfo), moment + timedelta(minutes=1))
