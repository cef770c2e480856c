"""Moments as programs write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

from campaigns.calendar.times import is_in_calendar
from dialer.field_errors import field_error


def _in_calendar(moment: datetime) -> datetime:
    try:
        exists = is_in_calendar(moment) and is_in_calendar(moment.astimezone(UTC))
    except OverflowError:
        exists = False
    if not exists:
        raise field_error(f"the year {moment.year:04} cannot be meant", "correct the year")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_calendar)]
"""A date and time with an offset; no moment at an end of the calendar, which other zones have no date for."""
