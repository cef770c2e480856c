"""What calls cost, from the prices that each attempt was opened with and from what became of it since.

A cost is written nowhere: it follows from the attempt, so that a late receipt corrects it, too. A talk of known length
costs what it lasted, whatever its outcome is called. Until a call has ended, and where it may have been talked for a
time that nobody knows, it costs what was kept back for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, or_

from campaigns.ledger.tables import attempts
from campaigns.lifecycle import OPEN_ATTEMPTS, AttemptStatus
from dialer.calls import REACHED


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
