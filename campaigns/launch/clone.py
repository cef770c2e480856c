"""Writes a campaign's definition as a campaign file: a started campaign is locked, a changed copy can be started."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import yaml

from campaigns.definition import Definition
from campaigns.ledger import queries
from campaigns.ledger.moves import write_audit
from campaigns.ledger.store import Ledger


def clone(ledger: Ledger, campaign_id: str, *, name: str | None = None, who: str, now: datetime) -> str:
    """The campaign's definition as the text of a campaign file, under `name` if given. Raises NoSuchCampaign.

    The path of the list is as in the original file: relative to that file's folder. Leaves an audit line.
    """
    with ledger.writing() as db:
        campaign = queries.campaign(db, campaign_id)
        write_audit(db, now, who=who, event="campaign cloned", campaign_id=campaign.id, detail=name or campaign.name)
    comment = f"# A copy of {campaign.id}. Change what you like; the first stays as it is.\n"
    return comment + definition_yaml(campaign.definition, name)


def definition_yaml(definition: Definition, name: str | None = None, *, without: Collection[str] = ()) -> str:
    """A definition as the text of a campaign file, without keys that have their default, and without those named."""
    keys = definition.model_dump(mode="json", exclude_defaults=True, exclude=set(without))
    if name is not None:
        keys["campaign"] = name
    return yaml.safe_dump(keys, allow_unicode=True, sort_keys=False, width=100)
