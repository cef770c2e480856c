"""What campaigns spend, from what each of their calls costs (`campaigns/ledger/costs.py`), and what they keep back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Connection, cast, func, select, update

from campaigns.ledger.costs import cost_of_attempt
from campaigns.ledger.tables import HAS_PRICE, IS_OPEN, attempts, campaigns, cost_tallies
from dialer.prices import amount


def cost_of(db: Connection, attempt_id: UUID) -> int:
    """The cost of one attempt that has prices, as it stands in this transaction; in millionths."""
    return int(db.scalars(select(cost_of_attempt()).where(attempts.c.id == attempt_id)).one())


def costs_of(db: Connection, campaign_ids: Iterable[str]) -> dict[str, Decimal]:
    """What these campaigns' calls cost so far, by currency; blank without prices."""
    total = cast(func.sum(cost_of_attempt()), BigInteger).label("total")
    query = select(attempts.c.currency, total).where(HAS_PRICE, attempts.c.campaign_id.in_(list(campaign_ids)))
    rows = db.execute(query.group_by(attempts.c.currency).order_by(attempts.c.currency))
    return {row.currency: amount(int(row.total)) for row in rows}


class Spent(NamedTuple):
    """What a campaign has spent, and kept back for calls that go on; in millionths. `dearest`: the most for one."""

    cost: int
    currency: str
    dearest: int


def note_cost(db: Connection, campaign_id: str) -> Spent:
    """Note what the campaign, which is locked, has spent: calls that have ended give back what they did not need.

    What is over is tallied, so this takes as long whatever the campaign has called.
    """
    spent = spent_of(db, campaign_id)
    news = (campaigns.c.id == campaign_id, campaigns.c.cost_noted.is_distinct_from(spent.cost))
    db.execute(update(campaigns).where(*news).values(cost_noted=spent.cost))
    return spent


def spent_of(db: Connection, campaign_id: str) -> Spent:
    """What the campaign has spent as it stands in this transaction."""
    priced = (HAS_PRICE, attempts.c.campaign_id == campaign_id)
    over = select(func.sum(cost_tallies.c.number)).where(cost_tallies.c.campaign_id == campaign_id)
    goes_on = select(func.sum(attempts.c.kept_back)).where(attempts.c.campaign_id == campaign_id, IS_OPEN)
    dearest = select(attempts.c.kept_back).where(*priced).order_by(attempts.c.kept_back.desc()).limit(1)
    currency = select(attempts.c.currency).where(*priced).limit(1)
    query = select(*(part.scalar_subquery() for part in (over, goes_on, dearest, currency)))  # all of one moment
    settled, kept_back, most, named = db.execute(query).one()
    return Spent(int(settled or 0) + int(kept_back or 0), named or "", int(most or 0))


def keep_back(db: Connection, campaign_id: str, amounts: Sequence[int], most: int) -> int:
    """Keep back these amounts, in their order, as long as the campaign spends no more than `most`; returns how many.

    It locks the campaign until this transaction ends, so that no two workers keep back the same money.
    """
    query = select(campaigns.c.cost_noted).where(campaigns.c.id == campaign_id).with_for_update()
    noted = db.scalar(query) or 0
    kept = 0
    for each in amounts:
        if noted + each > most:
            break
        noted, kept = noted + each, kept + 1
    if kept:
        db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(cost_noted=noted))
    return kept
