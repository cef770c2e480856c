"""Writing a campaign's definition out again, to change what is locked once a campaign has started."""

from __future__ import annotations

from datetime import datetime

import yaml

from campaigns.definition import Definition
from campaigns.ledger import queries
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger


def clone(ledger: Ledger, campaign_id: str, *, name: str | None = None, who: str, now: datetime) -> str:
    """The campaign's definition as a campaign file, under another name if one is given. Raises NoSuchCampaign.

    The list is named as the first file named it: relative to the file's own folder.
    """
    with ledger.writing() as db:
        campaign = queries.campaign(db, campaign_id)
        write_audit(db, now, who=who, event="campaign cloned", campaign_id=campaign.id, detail=name or campaign.name)
    remark = f"# A copy of {campaign.id}. Change what you like; the first stays as it is.\n"
    return remark + as_written(campaign.definition, name)


def as_written(definition: Definition, name: str | None = None) -> str:
    """A definition as a campaign file says it, without what it leaves unsaid."""
    said = definition.model_dump(mode="json", exclude_defaults=True)
    if name is not None:
        said["campaign"] = name
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=100)
