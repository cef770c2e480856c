"""Counts the contacts that are due, and claims as many of them as may be called."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, bindparam, func, select, update

from campaigns.calendar.calling_hours import is_open_at_all, next_opening
from campaigns.dispatch.caller_ids import claim_with_numbers
from campaigns.dispatch.dial import Slice, slice_size
from campaigns.dispatch.vendor_queue import due_by
from campaigns.ledger import claims
from campaigns.ledger.moves import among
from campaigns.ledger.numbers.frequency_caps import lock_numbers
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tables import AGAIN, HAS_CLAIM, IS_URGENT, attempts, campaigns, contacts
from campaigns.lifecycle import CampaignStatus, ContactStatus
from campaigns.runtime import Runtime
from campaigns.safeguards import budgets, circuit_breaker
from campaigns.safeguards.caller_ids import left_today
from campaigns.safeguards.canary import CanaryHold, advance_canary, not_called
from dialer.account import Account

SORTED_UP_TO = 10_000  # contacts: a longer list would be sorted for each claim, since all of it is due at one moment
LOST_AFTER = 0.5  # of a lease: a worker that lives has taken sooner what was released to it
SLOW_PACE = 10.0  # calls a second, up to which a horizon is a handful, and nobody asks whether workers are behind
AHEAD = 1.25  # horizons: workers that take less than the pace have no more than they take in so long


def claimed_already(db: Connection, now: datetime, lease: float) -> defaultdict[str, Counter[str]]:
    """How many contacts of each account's campaigns are claimed; claims whose worker is probably gone do not count."""
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
    """The most contacts of these campaigns that workers may have claimed: what they take in AHEAD horizons.

    Only workers that are behind have such a limit, that is, that have more than they took in a second: others have
    taken all that there was, which does not show how much they could take.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Up to `most` contacts of a campaign, of those for whom its `canary` allows a call."""

    campaign: Campaign
    account: Account
    most: int
    canary: CanaryHold | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """How many contacts may be called now, and whether there may be a retry among them."""

    contacts: int
    retries: bool


NOBODY = Due(0, retries=False)


def count_due(db: Connection, wanted: Sequence[Wanted], moments: Sequence[datetime]) -> dict[str, Due]:
    """The contacts of each campaign that may be called now, counted up to its `most`, by its id.

    One statement counts for the campaigns that want about as many.
    """
    due = {one.campaign.id: NOBODY for one in wanted}
    alike: defaultdict[tuple[int, datetime], list[Wanted]] = defaultdict(list)
    for one in [one for one in wanted if one.most]:
        by = due_by(one.campaign.definition, one.account.provider, moments)
        if narrowed := _narrowed(one.campaign, one.canary, moments):
            due |= _counted(db, [one], one.most, moments[0], by, *narrowed)
        else:
            alike[1 << (one.most - 1).bit_length(), by].append(one)
    for (most, by), several in alike.items():
        due |= _counted(db, several, most, moments[0], by)
    return due


def _counted(
    db: Connection, wanted: Sequence[Wanted], most: int, now: datetime, by: datetime, *narrowed: ColumnElement[bool]
) -> dict[str, Due]:
    form = (by > now, db.dialect.name == "postgresql")
    counting = _count_due(*form, *narrowed) if narrowed else _counting_due(*form)
    facts = {"most": most, **claims.moments_of(now, by)}
    rows = {row[0]: row for row in db.execute(counting, facts | {"campaigns": [one.campaign.id for one in wanted]})}
    return {
        one.campaign.id: Due(min(one.most, rows[one.campaign.id][1]), retries=bool(rows[one.campaign.id][2]))
        for one in wanted
        if one.campaign.id in rows
    }


def _count_due(ahead: bool, arrays: bool, *narrowed: ColumnElement[bool]) -> Select[str, int, bool]:
    pending = (
        contacts.c.campaign_id == campaigns.c.id,
        contacts.c.status == ContactStatus.PENDING,
        claims.is_due(ahead=ahead),
        *narrowed,
    )
    due = select(contacts.c.id).where(*pending).limit(bindparam("most", type_=Integer()))
    retries = (
        select(contacts.c.id).where(*pending, AGAIN).with_hint(contacts, "INDEXED BY ix_contacts_retries", "sqlite")
    )
    counted = select(func.count()).select_from(due.correlate(campaigns).subquery()).scalar_subquery()
    several = among(campaigns.c.id, "campaigns", arrays=arrays)
    return select(campaigns.c.id, counted, retries.correlate(campaigns).exists()).where(several)


_counting_due = cache(_count_due)  # a tick counts for the campaigns that have somebody due


def count_urgent(db: Connection, campaign_id: str, now: datetime) -> int:
    """How many urgent contacts of a campaign are due."""
    urgent = (contacts.c.campaign_id == campaign_id, IS_URGENT, contacts.c.due_at <= now)
    return db.scalar(select(func.count()).select_from(contacts).where(*urgent)) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many contacts of a campaign to claim at the most (`room`), and whether `retries` may be among them."""

    campaign: Campaign
    room: int
    retries: bool = True


def claim_contacts(
    db: Connection, shares: Sequence[Share], now: datetime, using: Runtime
) -> list[tuple[Share, list[Slice]]]:
    """Claim due contacts of running campaigns; returns them as slices for the workers, in the order of the shares.

    Retries come before first tries.
    """
    running = claims.lock_campaigns(db, {share.campaign.id for share in shares})
    pools = [share.campaign.definition.caller_id for share in shares]
    if limited := {number for pool in pools if pool.per_day for number in pool.numbers}:
        lock_numbers(db, limited)  # of all at once, in order, so that none deadlock
    probes = circuit_breaker.probe_allowances(db)
    return [
        (share, _claimed_of(db, share, probes.get(share.campaign.id), now, using))
        for share in shares
        if share.campaign.id in running
    ]


def _claimed_of(db: Connection, share: Share, probe: int | None, now: datetime, using: Runtime) -> list[Slice]:
    campaign, account = share.campaign, using.accounts[share.campaign.account]
    canary = advance_canary(db, campaign, now) if campaign.definition.canary else None
    numbers = left_today(db, campaign, now)
    rooms = _rooms(db, campaign, account, now, canary, numbers)  # asked again: another tick may have claimed meanwhile
    room = min([share.room, *rooms, *([] if probe is None else [probe])])
    if room == 0:
        return []
    claim = uuid4()
    moments = using.moments()
    narrowed = _narrowed(campaign, canary, moments)
    claim_due = partial(
        claims.claim_due,
        db,
        campaign.id,
        claim,
        now=now,
        lease_until=now + timedelta(seconds=using.lease),
        due_by=due_by(campaign.definition, account.provider, moments),
        only=and_(*narrowed) if narrowed else None,
        in_list_order=campaign.contacts <= SORTED_UP_TO,
        may_be_urgent=campaign.definition.contacts.standing,
        may_be_again=share.retries,
    )
    shared = campaign.definition.caller_id.are_shared_out
    lines = claim_with_numbers(db, campaign, claim, room, claim_due, now, numbers) if shared else claim_due(room)
    some = sliced(list(lines), slice_size(campaign.definition.pace or account.settings.pace))
    return [
        Slice(
            campaign_id=campaign.id,
            claim=claim,
            contact_ids=tuple(own),
            lines=tuple(lines[contact_id] for contact_id in own),
        )
        for own in some
    ]


def sliced(ids: Sequence[int], size: int) -> list[Sequence[int]]:
    """Slices of about this size, as many as are nearest: one contact more is no task more, but at a size of one."""
    count = max(1, round(len(ids) / size))
    longest = -(-len(ids) // count)
    return [ids[first : first + longest] for first in range(0, len(ids), longest)] if ids else []


def _rooms(
    db: Connection,
    campaign: Campaign,
    account: Account,
    now: datetime,
    canary: CanaryHold | None,
    numbers: Mapping[str, int] | None,
) -> list[int]:
    """How many more calls the campaign's budget and its canary allow."""
    budget = budgets.budget_left(db, campaign, account.settings.call_points, now, numbers)
    rooms = [budget.calls if budget else None, canary.room if canary else None]
    return [room for room in rooms if room is not None]


def _narrowed(campaign: Campaign, canary: CanaryHold | None, moments: Sequence[datetime]) -> list[ColumnElement[bool]]:
    """What narrows the campaign's due contacts to those whom it may call now; nothing for most campaigns."""
    return [*([not_called()] if canary else []), *_open_by_each_clock(campaign, moments)]


def _open_by_each_clock(campaign: Campaign, moments: Sequence[datetime]) -> list[ColumnElement[bool]]:
    """What narrows contacts to those whose calling window is open at each of `moments`; nothing where there is one."""
    if len(moments) == 1:
        return []
    closed = [zone for zone in campaign.zones if not is_open_at_all(campaign.definition, zone, moments)]
    return [contacts.c.zone.not_in(closed)]
