"""How fast a campaign's calls may leave, as a replay reckons: its own limits, its account's, and how that stands."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from campaigns.definition import Definition
from campaigns.definition.sections.budget import Budget
from campaigns.ledger.queries import parse_definition
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.safeguards.budgets import day_of
from dialer.account_settings import AccountSettings
from dialer.bucket import BucketState
from dialer.follow_timing import seconds_between_looks, settles_in
from dialer.providers import provider_for
from dialer.providers.provider import Follows

DAY = 86400.0
RECOVERY, RECOVERS_EVERY = 1.05, 60.0  # how the bucket forgets a refusal for haste: dialer/bucket/lua/common.lua


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How fast calls may leave, in seconds and calls; None: not limited.

    `gap` lies between two calls of the campaign at the least, `account_gap` between two of its account, which is
    `slow` times as long for a while after the provider has refused for haste, where it `slows`. `day_calls` are the
    account's, and begin anew every `day_seconds`; `day_left` and `day_ends` are today's. Nothing leaves for `blocked`.
    `most_calls` and `own_day_calls` are the campaign's budgets; the latter begins anew in `own_day_ends`. The account's
    other campaigns have `others` calls to make, and `others_part` of them to each of ours while they do.
    `tick` lies between two looks at who is due, and before the first call; `settles` pass between a call's end and our
    knowing of it, and where looks tell of it, so many seconds apart, it ends for us with the next of these (0: none).
    """

    gap: float
    account_gap: float = 0.0
    lines: int | None
    day_calls: int | None
    day_seconds: float = DAY
    day_left: int | None = None
    day_ends: float | None = None
    slow: float = 1.0
    slows: bool = False
    blocked: float = 0.0
    most_calls: int | None = None
    own_day_calls: int | None = None
    own_day_ends: float = DAY
    others: float = 0.0
    others_part: float = 0.0
    tick: float = 0.0
    settles: float = 0.0
    looks: float = 0.0


def beside(db: Connection, definition: Definition) -> tuple[int, float]:
    """Contacts whom other running campaigns of the account still have to call, and the weight of those campaigns."""
    running = select(campaigns.c.id, campaigns.c.definition).where(
        campaigns.c.account == definition.account, campaigns.c.status == CampaignStatus.RUNNING
    )
    weights = {row.id: parse_definition(row.definition).weight for row in db.execute(running)}
    waiting = select(func.count()).where(
        contacts.c.campaign_id.in_(weights), contacts.c.status == ContactStatus.PENDING
    )
    return db.scalar(waiting) or 0, sum(weights.values())


def capacity_of(
    definition: Definition,
    settings: AccountSettings,
    *,
    begins: datetime,
    tick: float,
    shortest: float,
    others: tuple[int, float],
) -> Capacity:
    """What binds of pace, points and lines, of the campaign's own and the account's, and its budget.

    `shortest` is the shortest message in seconds, `others` what `beside` says.
    """
    own = [1 / pace for pace in (definition.pace, settings.caller_id_pace) if pace]
    ours = [1 / settings.pace]
    if settings.minute_points:
        ours.append(60 / settings.speed * settings.call_points / settings.minute_points)
    lines = [most for most in (definition.concurrency, settings.concurrency) if most]
    budget = definition.limits or Budget()
    waiting, weight = others
    return Capacity(
        gap=max(own, default=0.0),
        account_gap=max(ours),
        lines=min(lines) if lines else None,
        day_calls=settings.day_points // settings.call_points if settings.day_points else None,
        day_seconds=DAY / settings.speed,
        slows=provider_for(settings).follows is not Follows.LISTING,
        most_calls=_calls(budget.calls, budget.points, settings),
        own_day_calls=_calls(budget.day_calls, budget.day_points, settings),
        own_day_ends=(day_of(definition, begins)[1] - begins).total_seconds(),
        others=0.0 if definition.urgent else waiting,
        others_part=weight / definition.weight,
        tick=tick,
        settles=settles_in(settings),
        looks=_looks(settings, shortest, None),
    )


def _looks(settings: AccountSettings, shortest: float, minute: int | None) -> float:
    """Seconds between the looks that tell how calls ended; 0 where something else does."""
    by_looks = provider_for(settings).follows is Follows.LISTING and not settles_in(settings)
    return seconds_between_looks(settings, shortest, minute) if by_looks else 0.0


def _calls(calls: int | None, points: int | None, settings: AccountSettings) -> int | None:
    """The narrower of a budget of calls and one of points, in calls."""
    budgets = [calls, points // settings.call_points if points else None]
    return min((one for one in budgets if one is not None), default=None)


def current_state(
    speed: Capacity, standing: BucketState, settings: AccountSettings, *, shortest: float, later: float
) -> Capacity:
    """The speed of an account that stands so now, for a campaign that begins so many seconds later."""
    slow = settings.pace / standing.pace if speed.slows and standing.pace_name == "pace" else 1.0
    day = next((one for one in standing.windows if one.name == "day points" and one.resets_in > later), None)
    minute = next((one.limit for one in standing.windows if one.name == "minute points"), None)
    return replace(
        speed,
        account_gap=max(speed.account_gap, 60 / settings.speed * settings.call_points / minute if minute else 0.0),
        looks=_looks(settings, shortest, minute),
        slow=slowed(slow, later),
        blocked=max(0.0, standing.blocked_for - later),
        day_calls=speed.day_calls if day is None else day.limit // settings.call_points,
        day_left=None if day is None else day.left // settings.call_points,
        day_ends=None if day is None else day.resets_in - later,
    )


def slowed(slow: float, seconds: float) -> float:
    """How much slower than its pace an account still is, so many seconds after it was `slow` times slower."""
    return max(1.0, slow / math.pow(RECOVERY, seconds // RECOVERS_EVERY))
