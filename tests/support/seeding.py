"""Campaigns put into a ledger for a test, without a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from campaigns.definition import Definition
from campaigns.ledger import claims, queries
from campaigns.ledger.attempts import Opened, Opening, open_attempts
from campaigns.ledger.lists import drafts
from campaigns.ledger.lists.drafts import NewContact
from campaigns.ledger.queries import Campaign, OpenAttempt, campaign
from campaigns.ledger.store import Ledger
from campaigns.ledger.tables import attempts, contacts

LONG_TEXT = "This is a reminder of your appointment tomorrow at nine. Please bring your papers and arrive early."
DEFINITION: dict[str, Any] = {
    "campaign": "reminders",
    "account": "main",
    "contacts": {"file": "contacts.csv"},
    "message": {"tts": LONG_TEXT},
    "caller_id": "+18005550100",
}


def definition(**changes: Any) -> Definition:
    """A definition that says the same to everybody, with changes."""
    return Definition.model_validate(DEFINITION | changes)


def seed(
    ledger: Ledger,
    phones: Sequence[str],
    *,
    now: datetime,
    zone: str = "UTC",
    not_after: datetime | None = None,
    text: str = LONG_TEXT,
    **changes: Any,
) -> str:
    """A running campaign over these numbers; returns its id."""
    written = definition(**changes)
    campaign_id = ledger.write(
        drafts.create_draft,
        name=written.campaign,
        account=written.account,
        definition_text=written.model_dump_json(),
        now=now,
    )
    said = None if written.message.media else text
    rows = [
        NewContact(line=line, phone=phone, fields={}, text=said, zone=zone, not_after=not_after)
        for line, phone in enumerate(phones, start=2)
    ]
    ledger.write(drafts.add_contacts, campaign_id, rows, keyed_hash=ledger.keyed_hash, now=now)
    ledger.write(
        drafts.start,
        campaign_id,
        zones=[zone],
        rejects=0,
        rejects_file=None,
        who="test",
        now=now,
    )
    return campaign_id


def numbers(count: int, area: int = 415, first: int = 0) -> list[str]:
    """Reserved numbers that answer in the sandbox."""
    endings = [n for n in range(100) if not 11 <= n <= 24 and not 94 <= n <= 97]
    places = (divmod(first + n, len(endings)) for n in range(count))
    return [f"+1{area + more}55501{endings[ending]:02}" for more, ending in places]


def claim(
    ledger: Ledger, campaign_id: str, limit: int, *, now: datetime, lease: float = 30.0
) -> tuple[UUID, list[int]]:
    """Claim due contacts, as the release tick does; returns the claim and the contacts' ids."""
    claim_id = uuid4()
    lease_until = now + timedelta(seconds=lease)
    return claim_id, list(
        ledger.write(claims.claim_due, campaign_id, claim_id, limit, now=now, lease_until=lease_until)
    )


def open_all(ledger: Ledger, claim_id: UUID, ids: Sequence[int], *, now: datetime) -> set[UUID]:
    """Open attempts for claimed contacts, as a worker does right before sending."""
    with ledger.reading() as db:
        ours = claims.still_claimed(db, claim_id, ids, now)
        accounts = {one.campaign_id: campaign(db, one.campaign_id).account for one in ours}
    openings = [
        Opening(
            contact=one,
            account=accounts[one.campaign_id],
            provider="callgear",
            caller_id=shown,
            script_seconds=6.0,
        )
        for one, shown in ((one, one.caller_id or "+18005550100") for one in ours)
    ]
    opened = ledger.write(
        open_attempts, openings, now=now, conclude_at=dict.fromkeys(accounts.values(), now + timedelta(seconds=40))
    )
    return {attempt.id for attempt in opened}


def dialing(ledger: Ledger, phones: Sequence[str], *, now: datetime, **changes: Any) -> list[OpenAttempt]:
    """A running campaign each of whose contacts has an attempt in `dialing`."""
    campaign_id = seed(ledger, phones, now=now, **changes)
    claim_id, ids = claim(ledger, campaign_id, len(phones), now=now)
    opened = open_all(ledger, claim_id, ids, now=now)
    with ledger.reading() as db:
        return sorted(queries.attempts_by_id(db, opened).values(), key=lambda one: one.contact_id)


def sent(attempt: OpenAttempt) -> Opened:
    """An attempt as it is known to who sent its request."""
    return Opened(id=attempt.id, contact_id=attempt.contact_id, dialing_at=attempt.dialing_at, send_at=attempt.send_at)


def dial_again(ledger: Ledger, contact_id: int, *, now: datetime) -> OpenAttempt:
    """The next attempt for a contact that has come due."""
    claim_id, ids = claim(ledger, contact(ledger, contact_id).campaign_id, 100, now=now)
    assert contact_id in ids
    (opened,) = open_all(ledger, claim_id, [contact_id], now=now)
    return fresh(ledger, opened)


def campaign_row(ledger: Ledger, campaign_id: str) -> Campaign:
    """A campaign as the ledger has it now."""
    with ledger.reading() as db:
        return queries.campaign(db, campaign_id)


def contact(ledger: Ledger, contact_id: int) -> Any:
    """A contact's row."""
    with ledger.reading() as db:
        return db.execute(select(contacts).where(contacts.c.id == contact_id)).one()


def attempt(ledger: Ledger, attempt_id: UUID) -> Any:
    """An attempt's row."""
    with ledger.reading() as db:
        return db.execute(select(attempts).where(attempts.c.id == attempt_id)).one()


def fresh(ledger: Ledger, attempt_id: UUID) -> OpenAttempt:
    """An attempt as it is read to be settled."""
    with ledger.reading() as db:
        return queries.attempts_by_id(db, [attempt_id])[attempt_id]
