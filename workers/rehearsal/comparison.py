"""A rehearsal beside the plan: which figures lie within the odds, and why others may not.

The plan simulates a campaign up to 25 times; a rehearsal is one draw more from the same odds. So a figure is within the
odds when it lies within `WIDTH` standard deviations of the runs' mean, which one rehearsal in some hundreds does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import fmean, stdev

from campaigns.definition.sections.responses import ENDS_REMINDERS
from campaigns.lifecycle import CampaignStatus
from campaigns.planning.plan import Plan
from campaigns.reporting.report import Totals
from dialer.calls import Outcome
from dialer.plural import counted

WIDTH = 3.5
LEAST_MARGIN = 0.01  # of a figure, and of the campaign's length: what ticks and polls add is not simulated one by one
LEAST_END_MARGIN = timedelta(minutes=2)
MENTIONED = 3.0  # calls; of fewer none may have been busy by chance
FEW_RUNS = 8  # fewer tell too little of how much runs differ


class Figure(StrEnum):
    """What is compared."""

    CALLS = "calls"
    REACHED = "reached"
    ENDS = "ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure of the plan with its range (Unix seconds for `ends`), and that of the rehearsal; None: it never came."""

    figure: Figure
    planned: float
    low: float
    high: float
    rehearsed: float | None

    @property
    def within(self) -> bool:
        """Whether the rehearsal's lies in the range."""
        return self.rehearsed is not None and self.low <= self.rehearsed <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The figures, and what happened in the rehearsal that the plan does not reckon with.

    `is_over`: it came to its end, or to that of its budget where the plan says so.
    """

    figures: Sequence[Compared]
    differences: Sequence[str]
    is_over: bool

    @property
    def within(self) -> bool:
        """Whether all figures are within the odds."""
        return all(figure.within for figure in self.figures)


def compare(
    plan: Plan, totals: Totals, *, reserved: int, faults: int, used_up_at: datetime | None = None
) -> Comparison:
    """Compare a rehearsal with the plan.

    `reserved` contacts have a number whose calls always go the same way; `faults` are errors of the dialer itself.
    `used_up_at`: when a budget that never begins anew paused the campaign, which is its end where the plan says so.
    """
    stopped_at = used_up_at if plan.over_budget else None
    contacts = max(plan.first_calls, 1)
    share = min(1.0, plan.reached / contacts)
    chance = math.sqrt(contacts * share * (1 - share))  # of as many contacts, each reached or not by itself
    figures = [
        _counted(Figure.CALLS, [run.calls for run in plan.runs], totals.attempts, chance),
        _counted(Figure.REACHED, [run.reached for run in plan.runs], _reached(plan, totals), chance),
        _ends(plan, totals.finished_at or stopped_at),
    ]
    is_over = totals.status is CampaignStatus.FINISHED or stopped_at is not None
    differences = list(_differences(plan, totals, reserved, faults, is_over=is_over))
    return Comparison(figures=figures, differences=differences, is_over=is_over)


def _reached(plan: Plan, totals: Totals) -> int:
    """Contacts, or the reminders that were answered: of several reminders the plan counts each."""
    if plan.definition.reminders:
        return sum(totals.outcomes.get(outcome, 0) for outcome in (Outcome.ANSWERED, Outcome.MACHINE))
    return totals.final.get("reached", 0)


def _counted(figure: Figure, runs: Sequence[float], rehearsed: int, chance: float) -> Compared:
    mean = fmean(runs)
    spread = stdev(runs) if len(runs) >= FEW_RUNS else chance
    margin = max(WIDTH * spread * math.sqrt(1 + 1 / len(runs)), LEAST_MARGIN * mean, 1.0)
    return Compared(
        figure=figure, planned=mean, low=max(0.0, mean - margin), high=mean + margin, rehearsed=float(rehearsed)
    )


def _ends(plan: Plan, ended: datetime | None) -> Compared:
    """The runs' range of ends, wider by as much as it is wide: the last retries of few contacts make the end."""
    ends, begins = [run.ends for run in plan.runs], plan.begins.timestamp()
    low, high = min(ends), max(ends)
    margin = max(high - low, LEAST_MARGIN * (high - begins), LEAST_END_MARGIN.total_seconds())
    return Compared(
        figure=Figure.ENDS,
        planned=plan.ends.timestamp(),
        low=max(begins, low - margin),
        high=high + margin,
        rehearsed=None if ended is None else ended.timestamp(),
    )


def _differences(plan: Plan, totals: Totals, reserved: int, faults: int, *, is_over: bool) -> Iterator[str]:
    """What the plan does not know of, where it happened."""
    if not is_over:
        yield f"it did not come to its end: it is {totals.status.value} ({totals.reason or 'no reason'})"
    if not is_over and totals.status is CampaignStatus.PAUSED and plan.canary_halts is not None:
        yield f"its canary stops {plan.canary_halts:.0%} of the plan's runs, whose figures are as if they went on"
    if faults:
        yield f"{counted(faults, 'error')} of the dialer itself, named on standard error or in its log"
    if reserved:
        have = counted(reserved, "contact has a reserved number", "contacts have reserved numbers")
        yield f"{have}, whose calls go as the sandbox's table says"
    pressed = sum(contacts for response, contacts in totals.responses.items() if response in ENDS_REMINDERS)
    if plan.definition.reminders and pressed:
        yield f"{counted(pressed, 'contact')} pressed a key that ends the reminders, and got no other"
    if unknown := totals.outcomes.get("unknown", 0):
        yield f"nobody knows how {counted(unknown, 'call')} ended: `dialer check` says whether the text is too short"
    if _busy_calls(plan) >= MENTIONED and not totals.outcomes.get("busy"):
        yield "busy and declined calls were seen as unanswered and tried again as those: see `dialer notifications`"
    if refused := totals.final.get("refused", 0) + totals.final.get("suppressed", 0):
        yield f"{counted(refused, 'contact was', 'contacts were')} refused by the provider"
    if expired := totals.final.get("expired", 0):
        yield counted(expired, "contact expired before it was reached", "contacts expired before they were reached")


def _busy_calls(plan: Plan) -> float:
    """How many calls are likely to be busy."""
    weights = plan.outcome_model.first
    return plan.calls * weights.get(Outcome.BUSY, 0.0) / sum(weights.values())


def moment(figure: float) -> datetime:
    """A figure of `ends` as a moment."""
    return datetime.fromtimestamp(figure, UTC)
