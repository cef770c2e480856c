"""What the steps of a campaign work with; the doors put it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from campaigns.ledger.reading import Campaign
from campaigns.ledger.store import Ledger
from dialer.account import Account
from dialer.token_bucket import CampaignLimits

SEND_WITHIN = 5.0
SWEEP_MARGIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ledger, the accounts by name, the clock and chance; `notify_url` says where an account's receipts go."""

    ledger: Ledger
    accounts: Mapping[str, Account]
    clock: Callable[[], datetime]
    rng: Random
    notify_url: Callable[[str], str | None]
    horizon: float = 2.0
    lease: float = 30.0


def own_limits(campaign: Campaign) -> CampaignLimits:
    """What the campaign's definition allows it of its account."""
    definition = campaign.definition
    return CampaignLimits(campaign=campaign.id, pace=definition.pace, concurrency=definition.concurrency)
