"""`frequency`: how often one number may be called, counting the calls of all campaigns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from campaigns.definition.field_types import SECONDS_PER_UNIT, one_or_more
from campaigns.definition.sections.section import Section
from dialer.field_errors import field_error


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `calls` calls to one number within any period of length `window`; `written` is the file's text."""

    calls: int
    window: timedelta
    written: str


CAP_PATTERN = r"^[0-9]+/[0-9]+[mhd]$"
LONGEST_WINDOW_SECONDS = 31 * SECONDS_PER_UNIT["d"]


def read_cap(written: str) -> Cap:
    """Read `3/24h`. Raises PydanticCustomError with a suggestion."""
    if not re.fullmatch(CAP_PATTERN, written):
        raise field_error(
            f'"{written}" is not a number of calls and a time', "write 3/24h for three calls in any 24 hours"
        )
    calls, period = written.split("/")
    seconds = int(period[:-1]) * SECONDS_PER_UNIT[period[-1]]
    if not 1 <= int(calls) <= 1000:
        raise field_error(f"{calls} calls cannot be meant", "write a number from 1 to 1000")
    if not SECONDS_PER_UNIT["m"] <= seconds <= LONGEST_WINDOW_SECONDS:
        raise field_error(f"{period} is too {'long' if seconds else 'short'}", "the time runs from 1m to 31d")
    return Cap(calls=int(calls), window=timedelta(seconds=seconds), written=written)


def _checked(written: str) -> str:
    read_cap(written)
    return written


CapText = Annotated[str, AfterValidator(_checked)]
CAP_SCHEMA = {"type": "string", "pattern": CAP_PATTERN}


class Frequency(Section):
    """Caps that count the calls of every campaign and every caller id, retries too, in rolling windows."""

    per_number: Annotated[
        tuple[CapText, ...],
        BeforeValidator(one_or_more),
        WithJsonSchema({"anyOf": [CAP_SCHEMA, {"type": "array", "items": CAP_SCHEMA}]}),
    ] = Field(description="Calls to one number at the most: 3/24h, or several: [1/4h, 3/24h].")

    def caps(self) -> tuple[Cap, ...]:
        """The caps, parsed."""
        return tuple(map(read_cap, self.per_number))
