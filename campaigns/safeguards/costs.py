"""What calls cost, from the prices that each attempt was opened with and from what became of it since.

A cost is written nowhere: it follows from the attempt, so that a late receipt corrects it, too. A talk of known length
costs what it lasted, whatever its outcome is called. Until a call has ended, and where it may have been talked for a
time that nobody knows, it costs what was kept back for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, and_, case, cast, func, or_, select, update

from campaigns.ledger.tables import HAS_PRICE, attempts, campaigns
from campaigns.lifecycle import OPEN_ATTEMPTS, AttemptStatus
from dialer.calls import REACHED
from dialer.prices import amount


def cost_of_attempt() -> ColumnElement[Any]:
    """The cost of an attempt in millionths of its currency; NULL where it was opened without prices."""
    parts = attempts.c.talk_seconds / attempts.c.part_seconds
    whole = cast(parts, Integer)  # one store cuts it off, the other rounds it
    begun = case((whole < parts, whole + 1), else_=whole)
    may_have_talked = or_(attempts.c.outcome.in_(REACHED), attempts.c.status == AttemptStatus.UNKNOWN)
    unknown_length = and_(may_have_talked, attempts.c.talk_seconds.is_(None))
    talked = attempts.c.call_price + attempts.c.part_price * begun
    return case(
        (or_(attempts.c.status.in_(OPEN_ATTEMPTS), unknown_length), attempts.c.kept_back),
        (attempts.c.talk_seconds > 0, talked),
        (attempts.c.counted.is_(False), attempts.c.kept_back * 0),
        else_=attempts.c.call_price,
    )


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
    """What a campaign has spent, and kept back for calls that go on; in millionths. `dearest`: kept back for one."""

    cost: int
    currency: str
    dearest: int


def note_cost(db: Connection, campaign_id: str) -> Spent:
    """Note what the campaign, which is locked, has spent: calls that have ended give back what they did not need."""
    sums = (func.coalesce(func.sum(cost_of_attempt()), 0), func.coalesce(func.max(attempts.c.currency), ""))
    query = select(*sums, func.coalesce(func.max(attempts.c.kept_back), 0))
    cost, currency, dearest = db.execute(query.where(HAS_PRICE, attempts.c.campaign_id == campaign_id)).one()
    db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(cost_noted=int(cost)))
    return Spent(int(cost), currency, int(dearest))


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
