"""Until when what is known of a contact is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from campaigns.ledger.lists.kept_campaigns import kept_campaign
from campaigns.ledger.store import HASHED, Ledger
from campaigns.ledger.tables import contacts
from campaigns.reporting.explain import ContactExplanation
from campaigns.retention_periods import Kept, Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptUntil:
    """Until when a contact's number and fields are kept; the names are those of `explain --json`.

    `kept_until` is None while its time does not run yet, and where it has no end; `kept` says it in words.
    """

    kept_until: datetime | None
    kept: str


def kept_until(ledger: Ledger, story: ContactExplanation, general: Retention) -> KeptUntil:
    """Until when what is known of this contact is kept, where the settings keep it as `general` says."""
    retention = story.campaign.definition.kept(general)
    with ledger.reading() as db:
        row = db.execute(select(contacts.c.phone, contacts.c.final_at).where(contacts.c.id == story.id)).one()
        campaign = kept_campaign(db, story.campaign.id)
    if row.phone.startswith(HASHED):
        return KeptUntil(kept_until=None, kept="nothing that names the person is kept any more")
    if retention.days_of_contacts is None:
        return KeptUntil(kept_until=None, kept="until somebody erases it: no retention of contacts is set")
    by_itself = campaign is not None and campaign.ended_at is None
    end = "its own end" if by_itself else "the campaign's end, redials included"
    return KeptUntil(
        kept_until=campaign.until(Kept.CONTACTS, general, row.final_at) if campaign else None,
        kept=f"for {retention.days_of_contacts} days after {end}",
    )
