"""The moment at which a rehearsal begins, as people write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.calendar.times import BadMoment, parse_moment
from campaigns.calendar.zones import zone_named
from campaigns.definition import Definition
from dialer.errors import DialerError

LATE = timedelta(minutes=1)


class BadBeginning(DialerError):
    """A rehearsal cannot begin then; the message says why."""


def beginning(text: str | None, definition: Definition, now: datetime) -> datetime:
    """The moment (UTC) that the text means, by its offset or else in the campaign's zone; without a text, now.

    Of an hour that the clocks have twice it is the first. Raises BadBeginning for a text that is no moment, or has no
    zone, for an hour that the clocks skip, and for a moment that has passed.
    """
    if text is None:
        return now.replace(microsecond=0)
    try:
        written = parse_moment(text)
    except BadMoment as exc:
        raise BadBeginning(f"the beginning {text!r}: {exc}", exc.suggestion) from None
    moment = written.astimezone(UTC) if written.tzinfo else _in_zone(text, written, definition)
    if moment < now - LATE:
        raise BadBeginning(f"the beginning {text} has passed", "name a moment to come, or leave it out to begin now")
    return moment


def _in_zone(text: str, written: datetime, definition: Definition) -> datetime:
    if definition.schedule.zone is None:
        raise BadBeginning(
            f"the beginning {text} has no zone, and {definition.campaign} has no schedule.zone",
            f"write the offset: {text}+00:00",
        )
    zone = zone_named(definition.schedule.zone)
    moment = written.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != written:
        raise BadBeginning(
            f"the clocks of {zone.key} are set forward over {text}: that moment never comes",
            f"begin at {_after_the_change(written, zone):%Y-%m-%dT%H:%M}",
        )
    return moment


def _after_the_change(written: datetime, zone: ZoneInfo) -> datetime:
    """The local time as it is then by the clocks that have been set."""
    return written.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
