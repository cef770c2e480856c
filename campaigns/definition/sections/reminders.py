"""`schedule.before`: several reminders of one appointment, each so long before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from campaigns.definition.field_types import Column, Delays
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error

MOST = 10
UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)), ("s", timedelta(seconds=1)))


def _in_order(delays: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if not 1 <= len(delays) <= MOST:
        raise field_error(f"there are {len(delays)} reminders", f"write 1 to {MOST}: [3d, 1d, 2h]")
    if list(delays) != sorted(set(delays), reverse=True):
        raise field_error("the reminders are not in their order", "write the earliest first, each once: [3d, 1d, 2h]")
    return delays


def written(delay: timedelta) -> str:
    """A duration as a campaign file has it, in its largest unit: 3d, 2h, 90m."""
    unit, one = next((unit, one) for unit, one in UNITS if not delay % one)
    return f"{delay // one}{unit}"


class Reminders(Section):
    """Whom to remind when: each contact has one appointment, and is called before it, again and again."""

    column: Column = Field(
        description="Column with the moment of the appointment (ISO 8601); without an offset it is in the contact's "
        "zone. It is the contact's not_after, too: nobody is called once it has begun."
    )
    at: Annotated[Delays, AfterValidator(_in_order)] = Field(
        description="How long before it each reminder is due: [3d, 1d, 2h]. Days keep the time of day; a reminder that "
        "would come outside the windows comes when they open."
    )

    @property
    def labels(self) -> tuple[str, ...]:
        """The reminders by their names, as `{{ reminder }}` in the text has them: 3d, 1d, 2h."""
        return tuple(map(written, self.at))
