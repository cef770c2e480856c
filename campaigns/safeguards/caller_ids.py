"""The limit of calls a day from one of a campaign's numbers, counted in the ledger over all campaigns that show it.

A call counts on the day of its request. A rehearsal calls nobody: its calls count for rehearsals only.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, and_, func, select

from campaigns.calendar.days import day_of
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import HAS_CLAIM, attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, ContactStatus
from dialer.phone import mask


def left_today(db: Connection, campaign: Campaign, now: datetime) -> dict[str, int] | None:
    """How many calls each of the campaign's numbers has left today; None where their calls are not limited.

    Contacts that workers have count as called. Run it before claiming, in the same transaction, with the numbers
    locked (`lock_numbers`).
    """
    pool = campaign.definition.caller_id
    if pool.per_day is None:
        return None
    used: Counter[str] = Counter()
    begins, _ = day_of(campaign.definition.schedule.zone, now)
    maybe_called = (attempts.c.dialing_at >= begins, attempts.c.status != AttemptStatus.NOT_PLACED)
    claimed = (HAS_CLAIM, contacts.c.status == ContactStatus.CLAIMED)
    # In this order: who is called meanwhile is counted twice, and not missed.
    for table, which in ((contacts, and_(*claimed)), (attempts, and_(*maybe_called))):
        query = (
            select(table.c.caller_id, func.count())
            .join(campaigns, campaigns.c.id == table.c.campaign_id)
            .where(table.c.caller_id.in_(pool.numbers), which, campaigns.c.rehearsal == campaign.rehearsal)
            .group_by(table.c.caller_id)
        )
        used += Counter({str(number): calls for number, calls in db.execute(query)})
    return {number: max(0, pool.per_day - used[number]) for number in pool.numbers}


def used_up_until(
    db: Connection, campaign: Campaign, phone: str, own: str | None, now: datetime
) -> tuple[str, datetime] | None:
    """What holds a contact whose number has had its calls today, in words, and until when; None where nothing does."""
    pool, left = campaign.definition.caller_id, left_today(db, campaign, now)
    if left is None:
        return None
    numbers = [own] if own in left else pool.all_eligible(phone)
    if any(left[number] for number in numbers):
        return None
    which = f"its number {mask(numbers[0])}" if len(numbers) == 1 else f"each of its {len(numbers)} numbers"
    _, until = day_of(campaign.definition.schedule.zone, now)
    return f"{which} has had its {pool.per_day:,} calls of the day (caller_id.per_day)", until
