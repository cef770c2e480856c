"""What the steps of a campaign work with; the tasks and commands put it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account import Account
from dialer.bucket import CampaignLimits

SEND_WITHIN = 1.0  # so that no request leaves later than this after a pause has been committed
SWEEP_MARGIN = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The ledger, the accounts by name, the clock and the random source.

    notify_url      gives the URL to which an account's provider sends its receipts
    send_within     seconds from opening an attempt within which its request must leave
    horizon         seconds ahead for which a release tick claims contacts
    lease           seconds for which a worker has the contacts it claimed
    stopping        true when this process has been told to end: it starts no more calls
    possible_times  the times that it may be, where the clock is watched (`dialer.clock`); None: the clock's time
    """

    ledger: Ledger
    accounts: Mapping[str, Account]
    clock: Callable[[], datetime]
    rng: Random
    notify_url: Callable[[str], str | None]
    send_within: float = SEND_WITHIN
    horizon: float = 2.0
    lease: float = 30.0
    stopping: Callable[[], bool] = lambda: False
    possible_times: Callable[[], Sequence[datetime]] | None = None

    def moments(self) -> tuple[datetime, ...]:
        """What time it may be; the clock's own time first."""
        return tuple(self.possible_times()) if self.possible_times else (self.clock(),)


def own_limits(campaign: Campaign) -> CampaignLimits:
    """What the campaign's definition allows it of its account."""
    definition = campaign.definition
    return CampaignLimits(
        campaign=campaign.id,
        pace=definition.pace,
        concurrency=definition.concurrency,
        weight=definition.weight,
        caller_id=definition.caller_id,
    )
