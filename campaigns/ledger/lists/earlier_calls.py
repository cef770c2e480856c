"""Calls of another ledger, written so that they count for frequency caps: a rehearsal must know the real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, insert

from campaigns.ledger.tables import attempts, campaigns, contacts
from campaigns.lifecycle import AttemptStatus, CampaignStatus, ContactStatus
from dialer.calls import Outcome

NAME = "earlier-calls"


def add_earlier_calls(
    db: Connection, calls: Mapping[str, Sequence[datetime]], *, definition_text: str, rehearsal: bool, now: datetime
) -> None:
    """Write these calls, moments by number (E.164), as those of a campaign that is over."""
    if not calls:
        return
    over = {"status": CampaignStatus.FINISHED, "since": now, "created_at": now, "finished_at": now}
    campaign = {"id": f"{NAME}-1", "name": NAME, "account": NAME, "definition": definition_text, "zones": []}
    db.execute(insert(campaigns).values(**campaign, **over, rehearsal=rehearsal, contacts=len(calls)))
    final = {"status": ContactStatus.REACHED, "reason": NAME, "zone": "UTC", "fields": {}, "due_at": now}
    for line, (phone, moments) in enumerate(calls.items(), start=1):
        contact = {"campaign_id": f"{NAME}-1", "line": line, "phone": phone, "final_at": now}
        contact_id = db.execute(insert(contacts).values(**contact, **final).returning(contacts.c.id)).scalar_one()
        db.execute(insert(attempts), [_attempt(contact_id, number, at) for number, at in enumerate(moments, start=1)])


def _attempt(contact_id: int, number: int, at: datetime) -> dict[str, object]:
    times = dict.fromkeys(("scheduled_at", "dialing_at", "ended_at"), at)
    names = dict.fromkeys(("account", "provider"), NAME)
    return {
        "id": uuid4(),
        "contact_id": contact_id,
        "campaign_id": f"{NAME}-1",
        "number": number,
        "caller_id": "",
        "status": AttemptStatus.ENDED,
        "outcome": Outcome.ANSWERED,
        "counted": True,
        "script_seconds": 0.0,
        **times,
        **names,
    }
