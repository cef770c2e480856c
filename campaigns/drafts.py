"""Drafts: campaigns whose contacts are still being read in. Nobody dials them, and none is left for ever."""

from __future__ import annotations

from datetime import datetime

from campaigns.ledger import admission
from campaigns.ledger.store import Ledger


def clear_abandoned(ledger: Ledger, now: datetime) -> None:
    """Clear away what launches left that were killed."""
    with ledger.reading() as db:
        abandoned = admission.abandoned_drafts(db, now)
    for campaign_id, created_at in abandoned:
        discard(ledger, campaign_id, created_at)


def discard(ledger: Ledger, campaign_id: str, created_at: datetime) -> None:
    """Remove the draft of this moment with its contacts, in transactions of bounded size."""
    while not ledger.write(admission.discard_draft, campaign_id, created_at):
        pass
