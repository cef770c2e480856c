"""A delivery stored and applied at once, as the mailroom does with all that are waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from campaigns.ledger.receipts import Delivery, store
from campaigns.ledger.store import Ledger
from campaigns.settlement.receipts import apply_heard
from dialer.account_settings import AccountSettings
from dialer.calls import Receipt


def receive(
    ledger: Ledger, account: str, settings: AccountSettings, heard: Sequence[Receipt], body: str, *, now: datetime
) -> int:
    """Store receipts durably, then apply what can be applied; returns how many were new."""
    (fresh,) = ledger.write(store, [Delivery(account=account, heard=heard, body=body)], now=now)
    if fresh:
        ledger.write(apply_heard, account, settings, heard, now=now)
    return fresh
