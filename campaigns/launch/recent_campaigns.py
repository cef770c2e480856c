"""Campaigns that were read a moment ago, and what reads rows for them: programs ask for one call after the other."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from campaigns.audience.single_rows import SingleRows
from campaigns.launch.checking.checks import provider_of_started
from campaigns.ledger import queries
from campaigns.ledger.queries import Campaign
from campaigns.ledger.store import Ledger
from dialer.account_settings import AccountSettings
from dialer.recent import Recent

KEPT_SECONDS = 0.8
MOST_KEPT = 256


_recent = Recent[tuple[str, str], Campaign](KEPT_SECONDS, most=MOST_KEPT)
_readers: dict[Hashable, tuple[AccountSettings | None, SingleRows]] = {}


def recent_campaign(ledger: Ledger, campaign_id: str, *, afresh: bool = False) -> Campaign:
    """The campaign of this id or name, as it was within a second; `afresh`, as it is now. Raises NoSuchCampaign.

    Its definition does not change. A caller that relies on more, or on the name, reads it again in its transaction.
    """
    which = (ledger.url, campaign_id)
    kept = None if afresh else _recent.get(which)
    if kept is not None:
        return kept
    began = _recent.now()
    with ledger.reading() as db:
        campaign = queries.campaign(db, campaign_id)
    _recent.keep(which, campaign, began)
    return campaign


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
