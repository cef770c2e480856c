"""`retry`: when a campaign calls somebody again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from campaigns.scalars import Delays
from campaigns.sections.section import Section
from dialer.calls import Outcome
from dialer.retry import RetryPolicy


class Retry(Section):
    """When to try again: for each outcome, the waits after its first, second, … time, from the end of the call."""

    max_attempts: Annotated[int, Field(ge=1, le=50)] = Field(
        description="Calls that a contact gets at the most, whatever their outcomes."
    )
    busy: Delays = Field((), description="Waits after busy: [5m, 15m].")
    no_answer: Delays = Field((), description="Waits after no answer: [30m, 2h].")
    rejected: Delays = Field((), description="Waits after the call was declined.")
    failed: Delays = Field((), description="Waits after a call that the network failed to deliver.")

    def policy(self) -> RetryPolicy:
        outcomes = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.REJECTED, Outcome.FAILED)
        delays = {outcome: getattr(self, outcome.value) for outcome in outcomes}
        return RetryPolicy(max_attempts=self.max_attempts, delays=delays)
