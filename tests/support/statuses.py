"""What the ledger's checks want beside a status, for tests that set one by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from campaigns.lifecycle import ENDED_CAMPAIGNS, FINAL_CONTACTS, SETTLED_ATTEMPTS, PauseKind


def as_campaign(status: str, now: datetime) -> dict[str, Any]:
    """The columns of a campaign that has this status since `now`; paused by a person."""
    kind = PauseKind.PERSON if status == "paused" else None
    return {"status": status, "pause_kind": kind, "finished_at": now if status in ENDED_CAMPAIGNS else None}


def as_contact(status: str, now: datetime, reason: str | None = None) -> dict[str, Any]:
    """The columns of a contact that has this status since `now`, and is not claimed."""
    final = {"final_at": now, "reason": reason or status} if status in FINAL_CONTACTS else {"final_at": None}
    return {"status": status, "claim": None, "lease_until": None, **final}


def as_attempt(status: str, now: datetime) -> dict[str, Any]:
    """The columns of an attempt that has this status since `now`."""
    answered = {"answered_at": now} if status == "answered" else {}
    return {"status": status, "ended_at": now if status in SETTLED_ATTEMPTS else None, **answered}
