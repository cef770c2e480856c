"""`limits`: what a campaign may use up, in all and in a day."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from campaigns.definition.sections.section import Section

Count = Annotated[int, Field(gt=0)] | None


class Budget(Section):
    """What a campaign may use up. Calls are those that the provider accepted; a day is one of schedule.zone, or UTC."""

    calls: Count = Field(None, description="Calls in all, after which the campaign is paused.")
    points: Count = Field(None, description="The provider's points in all, by the account's call_points.")
    day_calls: Count = Field(None, description="Calls a day; the next day it goes on by itself.")
    day_points: Count = Field(None, description="Points a day, likewise.")
