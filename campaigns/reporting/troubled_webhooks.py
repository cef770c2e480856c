"""Webhooks to which nothing is delivered, as `status` names them."""

from __future__ import annotations

from campaigns.ledger import webhooks
from campaigns.ledger.store import Ledger
from campaigns.ledger.webhooks import Webhook


def troubled_webhooks(ledger: Ledger) -> list[Webhook]:
    """Those that are paused, have ended, or take nothing, by name."""
    with ledger.reading() as db:
        every = webhooks.all_webhooks(db)
    return [webhook for webhook in every if webhook.is_troubled]
