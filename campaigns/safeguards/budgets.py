"""Budgets: how many calls a campaign may still place under its own `limits`, and from its numbers, in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, func, select

from campaigns.calendar.days import day_of
from campaigns.definition import Definition
from campaigns.ledger import queries
from campaigns.ledger.moves import pause
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, campaigns
from campaigns.ledger.tallies import attempt_counts
from campaigns.lifecycle import UNANSWERED_REQUESTS, AttemptStatus, PauseKind
from campaigns.safeguards.caller_ids import left_today
from campaigns.safeguards.costs import Spent, keep_back, note_cost
from dialer.prices import CallPrice, amount, millionths

DOUBTFUL = frozenset({*UNANSWERED_REQUESTS, AttemptStatus.UNKNOWN})  # requests that may have placed a call
NO_PRICE_YET = 1_000_000  # calls: each is asked for again when it is opened


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLeft:
    """Calls that a budget has left. `until`: when it starts anew (None: never). `used_up`: no request is still open."""

    calls: int
    why: str
    until: datetime | None
    used_up: bool


def has_budget(definition: Definition) -> bool:
    """Whether a campaign of this definition has any budget."""
    return definition.limits is not None or definition.caller_id.per_day is not None


def budget_left(
    db: Connection, campaign: Campaign, call_points: int, now: datetime, numbers: Mapping[str, int] | None
) -> BudgetLeft | None:
    """The narrowest budget of the campaign; None when it has none. Requests without an answer count as used.

    `numbers` is what `left_today` says. Run it in the transaction that claims: then no two ticks give the same calls
    away.
    """
    budgets = list(_budgets(campaign, call_points, now))
    limits = campaign.definition.limits
    cost = limits.cost if limits is not None else None
    if not budgets and numbers is None and cost is None:
        return None
    db.execute(select(campaigns.c.id).where(campaigns.c.id == campaign.id).with_for_update(key_share=True))
    with_workers = queries.count_claimed(db, campaign.id)
    left = [_cost_left(db, campaign.id, cost, with_workers)] if cost is not None else []
    for most, why, since, until in budgets:
        accepted, under_way = _used(db, campaign.id, since)
        left.append(
            BudgetLeft(
                calls=max(0, most - accepted - under_way - with_workers),
                why=why,
                until=until,
                used_up=accepted >= most,
            )
        )
    if numbers is not None:
        why = f"its numbers' {campaign.definition.caller_id.per_day:,} calls a day (caller_id.per_day)"
        until = day_of(campaign.definition.schedule.zone, now)[1]
        left.append(BudgetLeft(calls=sum(numbers.values()), why=why, until=until, used_up=False))
    return min(left, key=lambda budget: (budget.calls, budget.until is not None))


def left_or_paused(db: Connection, campaign: Campaign, call_points: int, now: datetime) -> BudgetLeft | None:
    """What the narrowest budget has left, and whether the campaign goes on.

    None where a budget that never starts anew is used up: the campaign is paused. It must have one (`has_budget`).
    """
    budget = budget_left(db, campaign, call_points, now, left_today(db, campaign, now))
    if budget is None or budget.until is not None or not budget.used_up:
        return budget
    pause(db, campaign.id, PauseKind.BUDGET, now, reason=f"{budget.why} is used up")
    return None


def keep_back_cost(
    db: Connection, campaign: Campaign, most: Decimal, prices: Sequence[CallPrice | None], now: datetime
) -> int:
    """How many of these calls may be placed, in their order, without spending more than `most`; that is kept back.

    Run it in the transaction that opens them. Pauses the campaign where none may and no call goes on that could give
    something back. Without prices nobody knows what a call costs: none may.
    """
    limit = millionths(most)
    amounts = [limit + 1 if price is None else price.kept_back for price in prices]
    kept = keep_back(db, campaign.id, amounts, limit)
    if kept or not amounts or queries.has_open_attempts(db, campaign.id):
        return kept
    spent = note_cost(db, campaign.id)
    kept = keep_back(db, campaign.id, amounts, limit)
    if not kept and not spent.currency:
        spent = spent._replace(currency=next((price.currency for price in prices if price), ""))
    if not kept:
        why = f"{_of_cost(most, spent)} is used up"
        pause(db, campaign.id, PauseKind.BUDGET, now, reason=why)
    return kept


def _cost_left(db: Connection, campaign_id: str, most: Decimal, with_workers: int) -> BudgetLeft:
    """Calls that the money is enough for, by the dearest so far; each is asked for again when it is opened."""
    spent = note_cost(db, campaign_id)
    left = millionths(most) - spent.cost
    calls = max(0, left // spent.dearest - with_workers) if spent.dearest else NO_PRICE_YET
    used_up = left < spent.dearest and not queries.has_open_attempts(db, campaign_id)
    return BudgetLeft(calls=calls, why=_of_cost(most, spent), until=None, used_up=used_up)


def _of_cost(most: Decimal, spent: Spent) -> str:
    words = f"{amount(millionths(most))} {spent.currency}".rstrip()
    return f"its budget of {words} (limits.cost; {amount(spent.cost)} spent or kept back)"


def _budgets(
    campaign: Campaign, call_points: int, now: datetime
) -> Iterator[tuple[int, str, datetime | None, datetime | None]]:
    """Each budget as calls, its name, since when it counts, and until when."""
    limits = campaign.definition.limits
    if limits is None:
        return
    if limits.calls:
        yield limits.calls, f"its budget of {limits.calls:,} calls (limits.calls)", None, None
    if limits.points:
        yield limits.points // call_points, f"its budget of {limits.points} points (limits.points)", None, None
    begins, ends = day_of(campaign.definition.schedule.zone, now)
    if limits.day_calls:
        yield limits.day_calls, f"its budget of {limits.day_calls:,} calls a day (limits.day_calls)", begins, ends
    if limits.day_points:
        why = f"its budget of {limits.day_points} points a day (limits.day_points)"
        yield limits.day_points // call_points, why, begins, ends


def _used(db: Connection, campaign_id: str, since: datetime | None) -> tuple[int, int]:
    """Calls that the provider accepted, and requests without an answer. Those of all days are tallied, not counted."""
    if since is None:
        counts = attempt_counts(db, campaign_id)
        accepted = sum(count.number for count in counts if count.counted)
        return accepted, sum(count.number for count in counts if not count.counted and count.status in DOUBTFUL)
    counted = (attempts.c.campaign_id == campaign_id, attempts.c.dialing_at >= since)
    accepted = db.scalar(select(func.count()).where(*counted, attempts.c.counted.is_(True))) or 0
    doubtful = (attempts.c.status.in_(DOUBTFUL), attempts.c.counted.is_(False))
    return accepted, db.scalar(select(func.count()).where(*counted, *doubtful)) or 0
