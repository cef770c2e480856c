"""Shares an account among its campaigns: the next seconds by weight, its day by weight and remaining calling hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from campaigns.calendar.calling_hours import next_opening
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from campaigns.lifecycle import CampaignStatus
from dialer.bucket import LimitName, TokenBucket

SHARED_EVERY = 60.0
LOOKED_AT_EVERY = timedelta(minutes=30)


def share_out(
    campaigns: Sequence[Campaign], left: int, wanted: Mapping[str, int], rng: Random
) -> Iterator[tuple[Campaign, int]]:
    """Each campaign with its share of the remaining calls: urgent ones get all they want, the others by weight.

    The campaign that wants least for its weight comes first, so that the others share what it leaves. Equals are
    shuffled, so that none is always last. Those without a share are left out.
    """
    in_turn = sorted(
        rng.sample(campaigns, len(campaigns)), key=lambda campaign: wanted[campaign.id] / campaign.definition.weight
    )
    weights = sum(campaign.definition.weight for campaign in in_turn if not campaign.definition.urgent)
    for campaign in sorted(in_turn, key=lambda campaign: not campaign.definition.urgent):
        share = wanted[campaign.id]
        if not campaign.definition.urgent:
            share = min(left, share, -int(-left * campaign.definition.weight // weights))
            weights -= campaign.definition.weight
        if share:
            left = max(0, left - share)
            yield campaign, share


def share_day(account: str, ledger: Ledger, bucket: TokenBucket, now: datetime) -> None:
    """Tell the bucket, once a minute, how the day's points are shared among the account's running campaigns.

    They are shared by weight and by the hours still open that day.
    """
    if not (bucket.has_day and bucket.claim_lease("shares", SHARED_EVERY)):
        return
    day = next((window for window in bucket.peek().windows if window.name == LimitName.DAY_POINTS), None)
    if day is None:
        return
    until = now + timedelta(seconds=day.resets_in)
    with ledger.reading() as db:
        running = queries.all_campaigns(db, [CampaignStatus.RUNNING], account=account)
    bucket.share_day(
        {campaign.id: campaign.definition.weight * open_time(campaign, now, until) for campaign in running}
    )


def open_time(campaign: Campaign, now: datetime, until: datetime) -> float:
    """Hours until `until` in which any contact of the campaign may be called; never quite zero."""
    open_looks, moment = 0, now
    while moment < until:
        open_looks += any(next_opening(campaign.definition, zone, moment) == moment for zone in campaign.zones)
        moment += LOOKED_AT_EVERY
    return max(0.1, open_looks * LOOKED_AT_EVERY / timedelta(hours=1))
