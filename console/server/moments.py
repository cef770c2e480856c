"""Moments as programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from campaigns.calendar.times import is_in_calendar
from dialer.field_errors import field_error

DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)


def _in_calendar(moment: datetime) -> datetime:
    try:
        exists = is_in_calendar(moment) and is_in_calendar(moment.astimezone(UTC))
    except OverflowError:
        exists = False
    if not exists:
        raise field_error(f"the year {moment.year:04} cannot be meant", "correct the year")
    return moment


def _as_written(written: object) -> object:
    """Seconds since 1970, and a date without a time, would be taken for a moment that nobody meant."""
    if not isinstance(written, str) or not DATE_AND_TIME.match(written):
        raise field_error("this is no date and time", "write 2026-12-05T15:00:00Z, or with an offset")
    return written


Moment = Annotated[AwareDatetime, BeforeValidator(_as_written), AfterValidator(_in_calendar)]
"""A date and time with an offset (RFC 3339); none at an end of the calendar, which other zones have no date for."""
