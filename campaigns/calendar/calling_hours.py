"""Whether a campaign may call a contact now, and when it next may: windows, holidays, start and end.

A contact's `zone` is the text that the ledger stores: one IANA zone, or all that the contact may be in, separated by
commas. All moments are aware.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from campaigns.calendar.windows import Windows
from campaigns.calendar.zones import zones_of
from dialer.calls import Outcome

DAY_PART_START_HOURS = (0, 12, 17)  # local hours at which morning, afternoon and evening begin
OTHER_DAY_PART_WITHIN = timedelta(days=8)


class WrittenRule(Protocol):
    """A rule with the text that the campaign file has for it."""

    @property
    def written(self) -> str: ...


class CallingHours(Protocol):
    """The members of a campaign's definition that say when its contacts may be called."""

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
    """The first moment from `now` on at which a contact in this zone may be called; None if there is none."""
    start, end = hours.starts_at, hours.ends_at
    earliest = max(now, start) if start else now
    opening = hours.windows.next_open(earliest, *zones_of(zone))
    if opening is None or (end is not None and opening >= end):
        return None
    return opening


def is_open_at_all(hours: CallingHours, zone: str, moments: Iterable[datetime]) -> bool:
    """Whether a call is allowed whichever of `moments` is the present: the clock may have been set wrongly."""
    return all(next_opening(hours, zone, moment) == moment for moment in moments)


def next_try(
    hours: CallingHours,
    zone: str,
    outcome: Outcome,
    earliest: datetime,
    *,
    called_at: datetime,
    not_after: datetime | None = None,
) -> datetime | None:
    """The first moment from `earliest` on at which the contact may be called again; None if there is none.

    If the definition moves this outcome to another part of the day than `called_at`, that part is used when one comes
    within eight days, before the campaign's end and `not_after`; otherwise the first opening.
    """
    opening = next_opening(hours, zone, earliest)
    if opening is None or outcome not in hours.other_part_of_day_outcomes:
        return opening
    avoided = part_of_day(called_at, zone)[0]
    candidate: datetime | None = opening
    while candidate is not None and candidate - opening < OTHER_DAY_PART_WITHIN:
        part, part_ends = part_of_day(candidate, zone)
        if part != avoided:
            return candidate if not_after is None or candidate < not_after else opening
        candidate = next_opening(hours, zone, part_ends)
    return opening


def call_evidence(hours: CallingHours, zone: str, now: datetime) -> tuple[str, str]:
    """Evidence stored with an attempt: the contact's local time (ISO 8601, in each zone it may be in), and the rules.

    The rules are those that allowed the call, as a text for people.
    """
    local_times = " ".join(now.astimezone(tz).isoformat(timespec="seconds") for tz in zones_of(zone))
    first = zones_of(zone)[0]
    rules = [hours.windows.rule_at(now.astimezone(first))]
    if hours.windows.of(first).holidays:
        rules.append("no holiday")
    rules += [f"at most {cap.written} to this number" for cap in hours.caps]
    return local_times, "; ".join([*rules, "not on the suppression list"])


def part_of_day(moment: datetime, zone: str) -> tuple[int, datetime]:
    """The part of the contact's day at a moment, as the hour it begins at (0, 12 or 17), and the moment it ends."""
    local = moment.astimezone(zones_of(zone)[0])
    begins = max(hour for hour in DAY_PART_START_HOURS if hour <= local.hour)
    later = [hour for hour in DAY_PART_START_HOURS if hour > begins]
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = midnight.replace(hour=later[0]) if later else midnight + timedelta(days=1)
    return begins, max(ends.astimezone(moment.tzinfo), moment + timedelta(minutes=1))
