"""`breaker`: when a campaign stops calling because the provider fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from campaigns.definition.field_types import Duration, Share
from campaigns.definition.sections.section import Section


class Breaker(Section):
    """When a campaign stops because the provider fails: requests it answered with a failure of its own, or not at all.

    After a while one call tries again; it decides whether all go on.
    """

    enabled: bool = Field(True, description="Whether failures stop the campaign at all.")
    failures: Annotated[Share, Field(gt=0)] = Field(0.5, description="Part of the requests that may fail: 50%, or 0.5.")
    within: Duration = Field(timedelta(seconds=120), description="How far back requests count: 120s.")
    at_least: Annotated[int, Field(ge=1, le=10_000)] = Field(20, description="Requests below which nothing is decided.")
    wait: Duration = Field(
        timedelta(seconds=60), description="Until one call tries again; twice as long each time it fails, 15m at most."
    )
