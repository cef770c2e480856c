"""How many calls a campaign may place, and how fast: its own limits, its account's, and the account's present state."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from campaigns.calendar.days import day_of
from campaigns.definition import Definition
from campaigns.definition.sections.budget import Budget
from campaigns.ledger.queries import parse_definition
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from dialer.account_settings import AccountSettings
from dialer.bucket import BucketState, LimitName
from dialer.bucket.limits import RECOVERY_FACTOR, RECOVERY_SECONDS
from dialer.follow_timing import poll_interval, seconds_to_settle
from dialer.providers.provider import Follows
from dialer.providers.registry import provider_for

DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The limits of a simulation; durations in seconds, None: not limited.

    gap               least time between two calls of the campaign
    account_gap       least time between two calls of the account, at its full pace
    concurrency       calls in progress at once
    day_calls         calls a day of the account, whose days are `day_seconds` long
    day_left          calls left in the account's present day, which ends after `day_ends`
    slowdown          how many times slower than its pace the account is at the beginning
    slows             whether the account becomes slower after a throttle
    blocked_for       no call is placed before this time has passed
    budget_calls      calls of the campaign, in all
    budget_day_calls  calls a day of the campaign; its first day ends after `budget_day_ends`
    other_calls       calls that other campaigns of the account have still to place
    other_weight      weight of those campaigns, in multiples of this campaign's
    tick              time between two release ticks of the workers, and before the first call
    settle_seconds    time from a call's end until the ledger knows it
    poll_interval     time between two polls, where polling finds out that a call has ended; 0 where it does not
    """

    gap: float
    account_gap: float = 0.0
    concurrency: int | None
    day_calls: int | None
    day_seconds: float = DAY
    day_left: int | None = None
    day_ends: float | None = None
    slowdown: float = 1.0
    slows: bool = False
    blocked_for: float = 0.0
    budget_calls: int | None = None
    budget_day_calls: int | None = None
    budget_day_ends: float = DAY
    other_calls: float = 0.0
    other_weight: float = 0.0
    tick: float = 0.0
    settle_seconds: float = 0.0
    poll_interval: float = 0.0


def other_campaigns(db: Connection, definition: Definition) -> tuple[int, float]:
    """The account's running campaigns: how many contacts they have pending, and the sum of their weights."""
    running = select(campaigns.c.id, campaigns.c.definition).where(
        campaigns.c.account == definition.account, campaigns.c.status == CampaignStatus.RUNNING
    )
    weights = {row.id: parse_definition(row.definition).weight for row in db.execute(running)}
    pending = select(func.count()).where(
        contacts.c.campaign_id.in_(weights), contacts.c.status == ContactStatus.PENDING
    )
    return db.scalar(pending) or 0, sum(weights.values())


def capacity_of(
    definition: Definition,
    settings: AccountSettings,
    *,
    begins: datetime,
    tick: float,
    shortest: float,
    others: tuple[int, float],
) -> Capacity:
    """The narrower of the campaign's and the account's limits, for an account that has not been used today.

    `tick` and `shortest` (the shortest message) are in seconds; `others` is the result of `other_campaigns`.
    """
    campaign_gaps = [1 / pace for pace in (definition.pace, settings.caller_id_pace) if pace]
    account_gaps = [1 / settings.pace]
    if settings.minute_points:
        account_gaps.append(_points_gap(settings, settings.minute_points))
    ceilings = [ceiling for ceiling in (definition.concurrency, settings.concurrency) if ceiling]
    budget = definition.limits or Budget()
    pending, weight = others
    return Capacity(
        gap=max(campaign_gaps, default=0.0),
        account_gap=max(account_gaps),
        concurrency=min(ceilings) if ceilings else None,
        day_calls=settings.day_points // settings.call_points if settings.day_points else None,
        day_seconds=DAY / settings.speed,
        slows=provider_for(settings).follows is not Follows.LISTING,
        budget_calls=_budget_calls(budget.calls, budget.points, settings),
        budget_day_calls=_fewest(
            _budget_calls(budget.day_calls, budget.day_points, settings), definition.caller_id.calls_a_day
        ),
        budget_day_ends=(day_of(definition.schedule.zone, begins)[1] - begins).total_seconds(),
        other_calls=0.0 if definition.urgent else pending,
        other_weight=weight / definition.weight,
        tick=tick,
        settle_seconds=seconds_to_settle(settings),
        poll_interval=_poll_interval(settings, shortest, None),
    )


def _points_gap(settings: AccountSettings, minute_points: int) -> float:
    """Seconds between two calls that use up the points of a minute evenly."""
    return 60 / settings.speed * settings.call_points / minute_points


def _poll_interval(settings: AccountSettings, shortest: float, minute_points: int | None) -> float:
    """Seconds between two polls that find out that calls have ended; 0 where receipts or a report tell it."""
    by_polling = provider_for(settings).follows is Follows.LISTING and not seconds_to_settle(settings)
    return poll_interval(settings, shortest, minute_points) if by_polling else 0.0


def _budget_calls(calls: int | None, points: int | None, settings: AccountSettings) -> int | None:
    """The narrower of a budget of calls and one of points, in calls."""
    return _fewest(calls, points // settings.call_points if points else None)


def _fewest(*budgets: int | None) -> int | None:
    return min((budget for budget in budgets if budget is not None), default=None)


def with_bucket_state(
    capacity: Capacity, state: BucketState, settings: AccountSettings, *, shortest: float, later: float
) -> Capacity:
    """The capacity for a campaign that begins `later` seconds from now, when the account's bucket is now in `state`."""
    slowdown = settings.pace / state.pace if capacity.slows and state.pace_name == LimitName.PACE else 1.0
    day = next(
        (window for window in state.windows if window.name == LimitName.DAY_POINTS and window.resets_in > later), None
    )
    minute_points = next((window.limit for window in state.windows if window.name == LimitName.MINUTE_POINTS), None)
    points_gap = _points_gap(settings, minute_points) if minute_points else 0.0
    return replace(
        capacity,
        account_gap=max(capacity.account_gap, points_gap),
        poll_interval=_poll_interval(settings, shortest, minute_points),
        slowdown=slowdown_after(slowdown, later),
        blocked_for=max(0.0, state.blocked_for - later),
        day_calls=capacity.day_calls if day is None else day.limit // settings.call_points,
        day_left=None if day is None else day.left // settings.call_points,
        day_ends=None if day is None else day.resets_in - later,
    )


def slowdown_after(slowdown: float, seconds: float) -> float:
    """How many times slower than its pace an account still is, `seconds` after it was `slowdown` times slower."""
    return max(1.0, slowdown / math.pow(RECOVERY_FACTOR, seconds // RECOVERY_SECONDS))
