"""The alert that too many calls of a campaign end unknown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from campaigns.ledger import deliveries, queries
from campaigns.ledger.claims import lock_campaign
from campaigns.ledger.queries import Campaign
from campaigns.ledger.tallies import attempt_counts, summed
from campaigns.lifecycle import CampaignStatus, EventKind
from campaigns.runtime import Runtime
from campaigns.safeguards.unknown_share import too_many_unknown
from dialer.calls import Outcome
from dialer.seldom import Seldom

_looked = Seldom(10.0)


def alert_of_unknown(using: Runtime, now: datetime) -> int:
    """Write `alert.unknown` for each running campaign with too many unknown calls, once; looks every ten seconds.

    Costs one short query while no webhook is told of it.
    """
    if not _looked.is_due(using.ledger.url):
        return 0
    with using.ledger.reading() as db:
        if not deliveries.anybody_subscribed(db, EventKind.ALERT_UNKNOWN):
            return 0
        running = queries.all_campaigns(db, [CampaignStatus.RUNNING])
        beyond = [campaign for campaign in running if _untold(db, campaign)]
    return sum(using.ledger.write(_alert, campaign, now) for campaign in beyond)


def _untold(db: Connection, campaign: Campaign) -> tuple[int, int] | None:
    """How many calls are unknown, of how many that have ended; None where that is not too many, or has been told."""
    outcomes = summed(attempt_counts(db, campaign.id), lambda count: count.outcome)
    unknown, ended = outcomes.get(Outcome.UNKNOWN, 0), sum(outcomes.values())
    if not too_many_unknown(unknown, ended) or deliveries.alerted(db, EventKind.ALERT_UNKNOWN, campaign.id):
        return None
    return unknown, ended


def _alert(db: Connection, campaign: Campaign, now: datetime) -> int:
    is_running = lock_campaign(db, campaign.id)  # two sweeps at once tell it once
    counts = _untold(db, campaign) if is_running else None
    if counts is None:
        return 0
    unknown, ended = counts
    deliveries.alert(
        db,
        EventKind.ALERT_UNKNOWN,
        now,
        subject=campaign.id,
        campaign_id=campaign.id,
        facts={"name": campaign.name, "account": campaign.account, "unknown": unknown, "ended": ended},
        reason=f"{unknown:,} of {ended:,} calls ended unknown",
    )
    return 1
