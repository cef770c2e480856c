"""`canary`: the first calls of a campaign, whose outcomes decide whether the others follow."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from campaigns.definition.field_types import Duration, Share
from campaigns.definition.sections.section import Section


class Canary(Section):
    """Call the first contacts of the list, hear how their calls end, then go on with the others or pause."""

    contacts: Annotated[int, Field(ge=1, le=100_000)] = Field(description="How many are called first: 20.")
    wait: Duration = Field(
        timedelta(minutes=10), description="How long after the last of them their calls may take to end: 10m."
    )
    reached: Share = Field(
        0.5, description="Part of them that must have been reached; below it the campaign is paused: 50%, or 0.5."
    )
