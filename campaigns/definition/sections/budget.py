"""`limits`: what a campaign may use up, in all and in a day."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from campaigns.definition.sections.section import Section

Amount = Annotated[Decimal, Field(gt=0, le=100_000_000, decimal_places=6)] | None
Count = Annotated[int, Field(gt=0, le=1_000_000_000)] | None


class Budget(Section):
    """What a campaign may use up. Calls are those that the provider accepted; a day is one of schedule.zone, or UTC."""

    calls: Count = Field(None, description="Calls in all, after which the campaign is paused.")
    points: Count = Field(None, description="The provider's points in all, by the account's call_points.")
    cost: Amount = Field(None, description="Money in all, in the currency of the account's prices; never exceeded.")
    day_calls: Count = Field(None, description="Calls a day; the next day it goes on by itself.")
    day_points: Count = Field(None, description="Points a day, likewise.")
