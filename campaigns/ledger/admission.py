"""How a campaign gets into the ledger: as a draft that nobody dials, contact by contact, then started in one move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from campaigns.ledger import claims
from campaigns.ledger.moves import move_campaign
from campaigns.ledger.tables import campaigns, contacts
from campaigns.lifecycle import LIVE_CAMPAIGNS, CampaignStatus, ContactStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A contact as it enters the ledger, checked: an E.164 number, the text it will hear, its zone."""

    line: int
    phone: str = field(repr=False)
    fields: dict[str, str] = field(repr=False)
    text: str | None = field(repr=False)
    zone: str
    not_after: datetime | None
    phone_hash: str | None = field(default=None, repr=False)
    consent: str | None = field(default=None, repr=False)
    voice: dict[str, str] | None = None


def live_campaign_named(db: Connection, name: str, *, lock: bool = False) -> str | None:
    """The id of a campaign of this name that has not ended, if there is one.

    `lock` makes others who ask so wait for this transaction's end, and then see what it has started.
    """
    if lock and db.dialect.name == "postgresql":  # SQLite has one writer at a time
        # The name is locked, for there may be no row yet; and before the query, which sees what was there as it began.
        db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    named = select(campaigns.c.id).where(campaigns.c.name == name, campaigns.c.status.in_(LIVE_CAMPAIGNS))
    found: str | None = db.scalar(named.order_by(campaigns.c.id).limit(1))
    return found


def called_by_another(db: Connection, name: str, phones: Sequence[str]) -> dict[str, str]:
    """Those of these numbers that a campaign of this name that has not ended calls, each with its id."""
    query = (
        select(contacts.c.phone, contacts.c.campaign_id)
        .join(campaigns, campaigns.c.id == contacts.c.campaign_id)
        .where(campaigns.c.name == name, campaigns.c.status.in_(LIVE_CAMPAIGNS), contacts.c.phone.in_(phones))
    )
    return {row.phone: row.campaign_id for row in db.execute(query)}


def create_draft(
    db: Connection, *, name: str, account: str, definition_text: str, now: datetime, rehearsal: bool = False
) -> str:
    """Open a draft; returns its id, the name and a running number."""
    number = (db.scalar(select(func.count()).where(campaigns.c.name == name)) or 0) + 1
    while db.execute(select(campaigns.c.id).where(campaigns.c.id == f"{name}-{number}")).first():
        number += 1
    campaign_id = f"{name}-{number}"
    db.execute(
        insert(campaigns).values(
            id=campaign_id,
            name=name,
            account=account,
            rehearsal=rehearsal,
            status=CampaignStatus.DRAFT,
            since=now,
            definition=definition_text,
            zones=[],
            created_at=now,
        )
    )
    return campaign_id


def admit(db: Connection, campaign_id: str, admitted: Sequence[Admitted], *, now: datetime) -> None:
    """Add contacts to a draft, due at once."""
    if admitted:
        db.execute(insert(contacts), [_line(campaign_id, one, now) for one in admitted])


def _line(campaign_id: str, one: Admitted, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": campaign_id,
        "line": one.line,
        "phone": one.phone,
        "phone_hash": one.phone_hash,
        "consent": one.consent,
        "fields": one.fields,
        "text": one.text,
        "voice": one.voice,
        "zone": one.zone,
        "not_after": one.not_after,
        "status": ContactStatus.PENDING,
        "due_at": now,
    }


def start(
    db: Connection,
    campaign_id: str,
    *,
    zones: Iterable[str],
    rejects: int,
    rejects_file: str | None,
    starts_at: datetime | None,
    who: str,
    now: datetime,
) -> None:
    """Start a draft, now or at its moment; from here on its contacts and its definition are locked."""
    account = db.scalar(select(campaigns.c.account).where(campaigns.c.id == campaign_id)) or ""
    claims.suppress_at_launch(db, campaign_id, account, now)
    count = db.scalar(select(func.count()).where(contacts.c.campaign_id == campaign_id)) or 0
    facts = {"contacts": count, "zones": sorted(zones), "rejects": rejects, "rejects_file": rejects_file}
    db.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(started_at=now, **facts))
    later = starts_at is not None and starts_at > now
    to = CampaignStatus.SCHEDULED if later else CampaignStatus.RUNNING
    move_campaign(db, campaign_id, to, now, who=who, reason="started")


def discard_draft(db: Connection, campaign_id: str) -> None:
    """Remove a draft that could not be filled; nothing of it is left."""
    draft = (campaigns.c.id == campaign_id, campaigns.c.status == CampaignStatus.DRAFT)
    if db.execute(select(campaigns.c.id).where(*draft)).first():
        db.execute(delete(contacts).where(contacts.c.campaign_id == campaign_id))
        db.execute(delete(campaigns).where(*draft))
