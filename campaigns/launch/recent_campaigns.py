"""Campaigns that were read a moment ago, and what reads rows for them: programs ask for one call after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Mapping

from campaigns.audience.single_rows import SingleRows
from campaigns.launch.checking.checks import provider_of_started
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings

KEPT_SECONDS = 1.0
MOST_KEPT = 256


class RecentCampaigns:
    """Campaigns by their ids and names. Safe to use from many threads.

    Definitions do not change. Whoever relies on more, or on the name, reads the campaign again in the transaction.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[float, Campaign]] = {}
        self._lock = threading.Lock()

    def campaign(self, ledger: Ledger, campaign_id: str, *, afresh: bool = False) -> Campaign:
        """The campaign as it was within a second; `afresh`, as it is now. Raises NoSuchCampaign."""
        which, now = (ledger.url, campaign_id), time.monotonic()
        kept = self._kept.get(which)
        if kept is not None and not afresh and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        with ledger.reading() as db:
            campaign = queries.campaign(db, campaign_id)
        with self._lock:
            self._kept.pop(which, None)
            self._kept[which] = now, campaign
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
        return campaign


recent = RecentCampaigns()
_readers: dict[Hashable, tuple[AccountSettings | None, SingleRows]] = {}


def rows_of(campaign: Campaign, names: tuple[str, ...], accounts: Mapping[str, AccountSettings]) -> SingleRows:
    """What reads rows with these columns: made once for a definition, its account's settings and the columns.

    Raises BadRows, and DefinitionFaults when the account is not in the settings any more.
    """
    definition = campaign.definition
    settings = accounts.get(definition.account)
    which = (campaign.definition_text, definition.account, names, id(settings))
    kept = _readers.get(which)
    if kept is None or kept[0] is not settings:
        provider = provider_of_started(definition, accounts)
        if len(_readers) >= MOST_KEPT:
            _readers.clear()
        kept = _readers[which] = settings, SingleRows(definition, names, provider.check_script)
    return kept[1]
