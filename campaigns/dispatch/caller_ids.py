"""Gives each claimed contact one of its campaign's numbers, and puts off those whose number has had its calls today."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, and_, false, or_, select, update

from campaigns.calendar.calling_hours import next_opening
from campaigns.calendar.days import day_of
from campaigns.definition.sections.caller_ids import CallerIds
from campaigns.ledger.claims import UNCLAIMED
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import attempts, contacts
from campaigns.lifecycle import ContactStatus

ClaimDue = Callable[[int], dict[int, int]]
ROUNDS = 3  # of claiming, where some that were claimed had to be put off


def claim_with_numbers(
    db: Connection,
    campaign: Campaign,
    claim: UUID,
    room: int,
    claim_due: ClaimDue,
    now: datetime,
    left_today: Mapping[str, int] | None,
) -> dict[int, int]:
    """Claim up to `room` contacts that can be called from a number of the campaign; returns their lines by id.

    A contact that has a number keeps it, for each account that has numbers of its own: it is shown again what this
    account has shown it before. Where that number, or each that the contact may be shown, has had its calls
    today, it waits for the next day, and so do all others of these numbers. `left_today` is what that function says.
    """
    left: Mapping[str, float] = left_today or dict.fromkeys(campaign.definition.caller_id.numbers, math.inf)
    left, claimed = dict(left), dict[int, int]()
    for _ in range(ROUNDS):
        lines = claim_due(room - len(claimed))
        held = _give_numbers(db, campaign.definition.caller_id, lines, left)
        claimed |= {contact_id: line for contact_id, line in lines.items() if contact_id not in held}
        if not held or len(claimed) == room:
            break
        _put_off(db, campaign, claim, held, {number for number in left if left[number] < 1}, now)
    return claimed


def _give_numbers(db: Connection, pool: CallerIds, lines: Mapping[int, int], left: dict[str, float]) -> set[int]:
    """Give a number to those of these contacts that have none, in their order; returns whom none is left for."""
    columns = (contacts.c.id, contacts.c.phone, contacts.c.line, contacts.c.caller_id)
    rows = {row.id: row for row in db.execute(select(*columns).where(contacts.c.id.in_(list(lines))))}
    shown = _shown_before(db, [row.id for row in rows.values() if row.caller_id and row.caller_id not in left], pool)
    held, given = set[int](), defaultdict[str, list[int]](list)
    for contact_id in lines:
        row = rows[contact_id]
        own = row.caller_id if row.caller_id in left else shown.get(row.id)
        number = own or _chosen(pool, row.phone, row.line, left)
        if number is None or left[number] < 1:
            held.add(contact_id)
            continue
        left[number] -= 1
        if number != row.caller_id:
            given[number].append(contact_id)
    for number, ids in sorted(given.items()):
        db.execute(update(contacts).where(contacts.c.id.in_(ids)).values(caller_id=number))
    return held


def _shown_before(db: Connection, contact_ids: Sequence[int], pool: CallerIds) -> dict[int, str]:
    """The numbers of the pool that these contacts have been shown, by the contacts' ids; not of those who were not."""
    if not contact_ids:
        return {}
    of_pool = (attempts.c.contact_id.in_(contact_ids), attempts.c.caller_id.in_(pool.numbers))
    query = select(attempts.c.contact_id, attempts.c.caller_id).where(*of_pool).order_by(attempts.c.dialing_at)
    return {row.contact_id: row.caller_id for row in db.execute(query)}


def _chosen(pool: CallerIds, phone: str, line: int, left: Mapping[str, float]) -> str | None:
    """Of the numbers that a contact may be shown, that with most calls left; in turns, by its line, where equal."""
    for group in pool.eligible(phone):
        turns: list[str] = [group[(line + place) % len(group)] for place in range(len(group))]
        number = max(turns, key=left.__getitem__)
        if left[number] >= 1:
            return number
    return None


def _put_off(
    db: Connection, campaign: Campaign, claim: UUID, held: Collection[int], used: Collection[str], now: datetime
) -> None:
    """Make due tomorrow who is held, and all that are due and are shown one of the used numbers."""
    pool, tomorrow = campaign.definition.caller_id, day_of(campaign.definition.schedule.zone, now)[1]
    waiting = (contacts.c.status == ContactStatus.PENDING, contacts.c.due_at <= now)
    # By region, nobody of a country all of whose numbers are used can be given one.
    used_codes = pool.codes_of(used) if pool.by == "region" else []
    new = [contacts.c.phone.startswith(f"+{code}") for code in used_codes]
    without = or_(contacts.c.caller_id.is_(None), contacts.c.caller_id.not_in(pool.numbers))
    alike = or_(contacts.c.caller_id.in_(used), and_(without, or_(false(), *new)))
    own = and_(contacts.c.claim == claim, contacts.c.id.in_(held))
    by_opening: dict[datetime, list[str]] = {}
    for zone in campaign.zones:
        opening = next_opening(campaign.definition, zone, tomorrow) or campaign.definition.ends_at or tomorrow
        by_opening.setdefault(opening, []).append(zone)
    for opening, zones in by_opening.items():
        of_zones = (contacts.c.campaign_id == campaign.id, contacts.c.zone.in_(zones))
        for which in (own, and_(*waiting, alike)):
            db.execute(update(contacts).where(*of_zones, which).values(**UNCLAIMED, due_at=opening))
