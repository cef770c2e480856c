"""Counts the contacts that are due, and claims as many of them as may be called."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, bindparam, func, select, update

from campaigns.calendar.calling_hours import is_open_at_all, next_opening
from campaigns.dispatch.dial import Slice, slice_size
from campaigns.dispatch.vendor_queue import due_by
from campaigns.ledger import claims
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import AGAIN, HAS_CLAIM, IS_URGENT, attempts, campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.runtime import Runtime
from campaigns.safeguards import budgets, circuit_breaker
from campaigns.safeguards.canary import CanaryHold, advance_canary, not_called
from dialer.account import Account

SORTED_UP_TO = 10_000  # contacts: a longer list would be sorted for each claim, since all of it is due at one moment
LOST_AFTER = 0.5  # of a lease: a worker that lives has taken sooner what was released to it
SLOW_PACE = 10.0  # calls a second, up to which a horizon is a handful, and nobody asks whether workers are behind
AHEAD = 1.25  # horizons: workers that take less than the pace have no more than they take in so long


def claimed_already(db: Connection, now: datetime, lease: float) -> defaultdict[str, Counter[str]]:
    """How many contacts of each account's campaigns are with the workers; none whose worker has probably died."""
    query = (
        select(campaigns.c.account, contacts.c.campaign_id, func.count())
        .join(campaigns, campaigns.c.id == contacts.c.campaign_id)
        .where(
            HAS_CLAIM,  # the index is of these alone
            contacts.c.status == ContactStatus.CLAIMED,
            contacts.c.claimed_at > now - timedelta(seconds=LOST_AFTER * lease),
            campaigns.c.status == CampaignStatus.RUNNING,
        )
        .group_by(campaigns.c.account, contacts.c.campaign_id)
    )
    claimed: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for account, campaign_id, many in db.execute(query):
        claimed[account][campaign_id] = many
    return claimed


def most_with_workers(campaign_ids: Collection[str], waiting: int, pace: float, now: datetime, using: Runtime) -> float:
    """How many of these campaigns' contacts the workers may have: if they are behind, what they take in AHEAD horizons.

    Workers are behind that still have more than they took in a second. Others may have any number: workers that have
    nothing left to take do not show how much they could.
    """
    if not waiting or pace <= SLOW_PACE:
        return math.inf
    recent = (attempts.c.campaign_id.in_(campaign_ids), attempts.c.dialing_at > now - timedelta(seconds=using.horizon))
    with using.ledger.reading() as db:
        taken = db.scalar(select(func.count()).select_from(attempts).where(*recent)) or 0
    return math.inf if waiting * using.horizon <= taken else AHEAD * taken


def put_off_closed(
    db: Connection, campaign: Campaign, openings: Mapping[datetime | None, Sequence[str]], now: datetime
) -> None:
    """Give contacts that are due but whose calling window is closed its next opening as their due time.

    `openings` are the campaign's closed zones by their next opening. Contacts whose window never opens again are left
    to the sweep, which expires them.
    """
    for opening, closed in openings.items():
        db.execute(
            update(contacts)
            .where(
                contacts.c.campaign_id == campaign.id,
                contacts.c.status == ContactStatus.PENDING,
                contacts.c.due_at <= now,
                contacts.c.zone.in_(closed),
            )
            .values(due_at=opening or campaign.definition.ends_at or now + timedelta(days=1))
        )


def closed_zones(campaign: Campaign, now: datetime) -> dict[datetime | None, list[str]]:
    """The campaign's zones whose calling window is closed, by its next opening; None: it never opens again."""
    by_opening: dict[datetime | None, list[str]] = {}
    for zone in campaign.zones:
        by_opening.setdefault(next_opening(campaign.definition, zone, now), []).append(zone)
    by_opening.pop(now, None)
    return by_opening


@dataclass(frozen=True, slots=True)
class Due:
    """How many contacts may be called now, and whether there is a retry among them."""

    contacts: int
    retries: bool


NOBODY = Due(0, retries=False)


def count_due(
    db: Connection,
    campaign: Campaign,
    account: Account,
    most: int,
    moments: Sequence[datetime],
    only: ColumnElement[bool] | None,
) -> Due:
    """The contacts that may be called now, counted up to `most`; `only` narrows them."""
    by = due_by(campaign.definition, account.provider, moments)
    narrowed = [*_open_by_each_clock(campaign, moments), *([] if only is None else [only])]
    counting = _count_due(by > moments[0], *narrowed) if narrowed else _counting_due(by > moments[0])
    facts = {"campaign": campaign.id, "most": most, **claims.moments_of(moments[0], by)}
    count, retries = db.execute(counting, facts).one()
    return Due(count, retries=bool(retries))


def _count_due(ahead: bool, *narrowed: ColumnElement[bool]) -> Select[int, bool]:
    pending = (
        contacts.c.campaign_id == bindparam("campaign"),
        contacts.c.status == ContactStatus.PENDING,
        claims.is_due(ahead=ahead),
        *narrowed,
    )
    due = select(contacts.c.id).where(*pending).limit(bindparam("most", type_=Integer())).subquery()
    retries = (
        select(contacts.c.id).where(*pending, AGAIN).with_hint(contacts, "INDEXED BY ix_contacts_retries", "sqlite")
    )
    return select(select(func.count()).select_from(due).scalar_subquery(), retries.exists())


_counting_due = cache(_count_due)  # a tick counts for each campaign that has somebody due


def count_urgent(db: Connection, campaign_id: str, now: datetime) -> int:
    """How many urgent contacts of a campaign are due."""
    urgent = (contacts.c.campaign_id == campaign_id, IS_URGENT, contacts.c.due_at <= now)
    return db.scalar(select(func.count()).select_from(contacts).where(*urgent)) or 0


def claim_contacts(
    db: Connection, campaign: Campaign, room: int, now: datetime, using: Runtime, *, retries: bool = True
) -> list[Slice]:
    """Claim up to `room` due contacts of a running campaign; returns them as slices for the workers.

    `retries`: there may be some among them, which come before first tries.
    """
    account = using.accounts[campaign.account]
    if not claims.lock_campaign(db, campaign.id):
        return []
    canary = advance_canary(db, campaign, now)
    rooms = _rooms(db, campaign, account, now, canary)  # asked again: another tick may have claimed meanwhile
    room = min([room, *rooms])
    if room == 0:
        return []
    claim = uuid4()
    lease_until = now + timedelta(seconds=using.lease)
    moments = using.moments()
    until = due_by(campaign.definition, account.provider, moments)
    narrowed = [*([not_called()] if canary else []), *_open_by_each_clock(campaign, moments)]
    lines = claims.claim_due(
        db,
        campaign.id,
        claim,
        room,
        now=now,
        lease_until=lease_until,
        due_by=until,
        only=and_(*narrowed) if narrowed else None,
        in_list_order=campaign.contacts <= SORTED_UP_TO,
        may_be_urgent=campaign.definition.contacts.standing,
        may_be_again=retries,
    )
    size = slice_size(campaign.definition.pace or account.settings.pace)
    ids = list(lines)
    some = [ids[first : first + size] for first in range(0, len(ids), size)]
    return [
        Slice(
            campaign_id=campaign.id,
            claim=claim,
            contact_ids=tuple(own),
            lines=tuple(lines[contact_id] for contact_id in own),
        )
        for own in some
    ]


def _rooms(db: Connection, campaign: Campaign, account: Account, now: datetime, canary: CanaryHold | None) -> list[int]:
    """How many more calls the campaign's budget, its canary and its breaker allow."""
    budget = budgets.budget_left(db, campaign, account.settings.call_points, now)
    probe = circuit_breaker.probe_allowances(db).get(campaign.id)
    rooms = [budget.calls if budget else None, canary.room if canary else None, probe]
    return [room for room in rooms if room is not None]


def _open_by_each_clock(campaign: Campaign, moments: Sequence[datetime]) -> list[ColumnElement[bool]]:
    """What narrows contacts to those whose calling window is open at each of `moments`; nothing where there is one."""
    if len(moments) == 1:
        return []
    closed = [zone for zone in campaign.zones if not is_open_at_all(campaign.definition, zone, moments)]
    return [contacts.c.zone.not_in(closed)]
